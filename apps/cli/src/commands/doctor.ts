import { Command } from 'commander';
import type { Check } from '../doctor/check.js';
import { exitCodes } from '../exit-codes.js';
import { printable } from '../progress/format.js';
import { plainStyle, styleFor } from '../progress/style.js';

export function doctorCommand(): Command {
  return new Command('doctor')
    .summary('see what works here, and mend what does not')
    .description('Tries everything a run may need. Ends with 0 when `elbo train mnist` works here, otherwise with 1.')
    .option('--json', 'as JSON, one check a line')
    .action(doctor);
}

async function doctor(flags: { json?: true }): Promise<void> {
  const [{ checkMachine }, { checkEngines }, { checkRedis }] = await Promise.all([
    import('../doctor/machine.js'),
    import('../doctor/engines.js'),
    import('../doctor/redis.js'),
  ]);
  let failed = false;
  for (const group of [checkMachine, checkEngines, checkRedis]) {
    for (const check of [await group()].flat()) {
      failed ||= check.status === 'failed';
      process.stdout.write(`${flags.json ? JSON.stringify(check) : lineOf(check)}\n`);
    }
  }
  if (!flags.json) {
    process.stdout.write(failed ? '\nelbo train mnist does not work here yet\n' : '\nelbo train mnist works here\n');
  }
  if (failed) process.exitCode = exitCodes.failed;
}

const marks = { ok: '✓', missing: '–', failed: '✗' } as const;

function lineOf({ name, status, detail, mend }: Check): string {
  const style = process.stdout.isTTY ? styleFor(process.env) : plainStyle;
  const mark = status === 'ok' ? style.accent(marks.ok) : style.warn(marks[status]);
  const line = `${mark} ${name.padEnd(17)} ${printable(detail)}`;
  return mend ? `${line}\n${' '.repeat(20)}${style.dim(`mend: ${printable(mend)}`)}` : line;
}
