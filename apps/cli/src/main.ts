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

/** `elbo train mnist | head` closes standard output early: the run goes on, and its folder has everything. */
function surviveClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}
