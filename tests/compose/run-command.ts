import { execFile } from 'node:child_process';

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly seconds: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
}

/** Runs a program to its end, whatever its exit code. @throws Error when it cannot start or takes too long */
export function run(program: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const { seconds, env, input } = options;
  return new Promise((resolve, reject) => {
    const settings = {
      env: { ...process.env, ...env },
      timeout: seconds * 1000,
      killSignal: 'SIGKILL' as const,
      maxBuffer: 64 * 1024 * 1024,
    };
    const child = execFile(program, args, settings, (error, stdout, stderr) => {
      const said = `${program} ${args.join(' ')}`;
      if (error?.killed) reject(new Error(`${said} did not end in ${seconds} s: ${tail(stderr)}`));
      else if (error && typeof error.code !== 'number') reject(new Error(`${said}: ${error.message}`));
      else resolve({ exitCode: Number(error?.code ?? 0), stdout, stderr });
    });
    // A program that ends without reading its input is judged by its exit code.
    child.stdin?.on('error', () => {}).end(input ?? '');
  });
}

/** Standard output of a program that ends well. @throws Error with the last of what it said */
export async function output(program: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const { exitCode, stdout, stderr } = await run(program, args, options);
  if (exitCode !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${exitCode}: ${tail(stderr || stdout)}`);
  return stdout.trim();
}

export async function works(program: string, args: readonly string[], seconds = 20): Promise<boolean> {
  return run(program, args, { seconds }).then(
    ({ exitCode }) => exitCode === 0,
    () => false,
  );
}

function tail(text: string): string {
  return text.trim().split('\n').slice(-25).join('\n');
}
