import { createHash } from 'node:crypto';
import type { RunSpec } from '@elbo/protocol/run-spec';

/** SHA-256 of a spec, hexadecimal; the order in which its fields were written does not count. */
export function specSha256(spec: RunSpec): string {
  return createHash('sha256')
    .update(JSON.stringify(inKeyOrder(spec)))
    .digest('hex');
}

function inKeyOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inKeyOrder);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(
    fields.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, field]) => [key, inKeyOrder(field)]),
  );
}
