import { randomBytes } from 'node:crypto';

/** A new run's id: its name as far as an id can hold it, and eight random hexadecimal digits. */
export function newRunId(name: string): string {
  const stem = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 48);
  return `${stem || 'run'}-${randomBytes(4).toString('hex')}`;
}
