import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface WorkerProcessOptions {
  readonly redisUrl: string;
  readonly prefix: string;
  readonly token: string;
  readonly threads: number;
  readonly workerId: string;
}

const patienceMs = 10_000;

/** A worker in a child process. Secrets travel in its environment, where other users cannot read them. */
export class WorkerProcess {
  /** Rejects when the process ends though nobody stopped it. */
  readonly failure: Promise<never>;
  readonly #child: ChildProcess;
  #stopping = false;

  constructor({ redisUrl, prefix, token, threads, workerId }: WorkerProcessOptions) {
    const entry = fileURLToPath(new URL('../main.js', import.meta.url));
    const flags = ['worker', '--prefix', prefix, '--threads', String(threads), '--id', workerId];
    this.#child = spawn(process.execPath, [entry, ...flags], {
      env: { ...process.env, REDIS_URL: redisUrl, ELBO_TOKEN: token, ELBO_PARENT_PID: String(process.pid) },
      // Its own process group: a Ctrl-C in the terminal reaches the coordinator alone, which drains the workers.
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    this.failure = new Promise<never>((_, reject) => {
      this.#child.once('error', (error) => reject(new Error(`worker ${workerId} did not start: ${error.message}`)));
      this.#child.once('exit', (code, signal) => {
        if (!this.#stopping) reject(new Error(`worker ${workerId} ended by itself (${signal ?? `exit code ${code}`})`));
      });
    });
    this.failure.catch(() => {});
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Asks it to drain and end; ends it by force when it does not. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), patienceMs);
    await exited;
    clearTimeout(timer);
  }
}
