import { CommanderError } from 'commander';
import { UsageError } from './errors.js';
import { exitCodes } from './exit-codes.js';
import { createProgram } from './program.js';

surviveClosedPipes();
try {
  const program = await createProgram(process.argv[2]);
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Says what went wrong and returns the exit code for it. */
function report(error: unknown): number {
  // Commander has written its message already; --help and --version come here too, with 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`elbo: ${message}\n`);
  if (error instanceof UsageError) return exitCodes.usage;
  if (process.env.ELBO_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return exitCodes.failed;
}

/**
 * `elbo train mnist | head` closes standard output early: the run goes on, and its folder has everything. A full disk
 * ends it: half of what `elbo score mnist --json > file` prints must not look like all of it.
 */
function surviveClosedPipes(): void {
  process.stderr.on('error', () => {}); // nobody can be told
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    const next = 'free some space or write it elsewhere, and start again (`elbo resume` for a run)';
    process.exit(report(new Error(`standard output could not be written (${error.message}): ${next}`)));
  });
}
