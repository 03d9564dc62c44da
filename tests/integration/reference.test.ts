import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const script = fileURLToPath(new URL('../../scripts/write-reference.mjs', import.meta.url));

it('docs/reference is what the schemas, the commands and the routes say (npm run docs writes it)', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [script, '--check']);
  expect(stdout).toBe('docs/reference is up to date\n');
});
