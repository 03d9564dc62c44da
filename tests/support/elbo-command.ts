import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../../apps/cli/bin/elbo.mjs', import.meta.url));

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A real `elbo` process, whatever it prints. */
export class ElboCommand {
  readonly child: ChildProcess;
  readonly result: Promise<CommandResult>;
  stdout = '';
  stderr = '';
  readonly #waiting = new Set<() => void>();

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.child = spawn(process.execPath, [bin, ...args], {
      env: { ...process.env, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      for (const look of this.#waiting) look();
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.result = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  /** Resolves when standard output has the text; rejects when the process ends without. */
  async prints(text: string): Promise<void> {
    const coming = new Promise<void>((resolve) => {
      const look = (): void => {
        if (!this.stdout.includes(text)) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
    const ended = this.result.then(({ code, stdout, stderr }) => {
      if (!stdout.includes(text))
        throw new Error(`elbo ended with ${code} before it printed '${text}': ${stdout}${stderr}`);
    });
    await Promise.race([coming, ended]);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    await this.result;
  }
}
