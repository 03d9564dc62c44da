import { UsageError } from '../errors.js';

/** For a list that is its command's default: says which command the name after it is for. @throws UsageError */
export function requireNoName(command: string, what: string, names: readonly string[]): void {
  const name = names.at(-1);
  if (name === undefined) return;
  throw new UsageError(
    `'${names.join(' ')}' is no command of \`elbo ${command}\`; \`elbo ${command} show ${name}\` describes a ${what}`,
  );
}
