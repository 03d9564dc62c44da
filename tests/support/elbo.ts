import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type RunEvent, type RunFinishedEvent, runEventSchema } from '@elbo/protocol/events';

const bin = fileURLToPath(new URL('../../apps/cli/bin/elbo.mjs', import.meta.url));

export interface ElboResult {
  readonly exitCode: number | null;
  readonly events: readonly RunEvent[];
  readonly finished: RunFinishedEvent | undefined;
  readonly stderr: string;
}

/** A real `elbo` process with `--json`, whose events are checked against the schema as they come. */
export class ElboProcess {
  readonly child: ChildProcess;
  readonly events: RunEvent[] = [];
  readonly result: Promise<ElboResult>;
  #stderr = '';
  readonly #waiting: { readonly wanted: (event: RunEvent) => boolean; readonly found: (event: RunEvent) => void }[] =
    [];

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.child = spawn(process.execPath, [bin, ...args, '--json'], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    const lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream });
    const unreadable: Error[] = [];
    lines.on('line', (line) => {
      try {
        this.#take(runEventSchema.parse(JSON.parse(line)));
      } catch (error) {
        unreadable.push(error as Error);
      }
    });
    this.result = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (exitCode) => {
        if (unreadable[0]) return reject(unreadable[0]);
        const { events } = this;
        const finished = events.find((event) => event.event === 'run-finished');
        resolve({ exitCode, events, finished, stderr: this.#stderr });
      });
    });
  }

  /** Resolves with the first event that fits, past or to come; rejects when the process ends without one. */
  async event(wanted: (event: RunEvent) => boolean): Promise<RunEvent> {
    const past = this.events.find(wanted);
    if (past) return past;
    const coming = new Promise<RunEvent>((found) => this.#waiting.push({ wanted, found }));
    const ended = this.result.then(({ exitCode, stderr }) => {
      throw new Error(`elbo ended with ${exitCode} before the event came: ${stderr}`);
    });
    return Promise.race([coming, ended]);
  }

  #take(event: RunEvent): void {
    this.events.push(event);
    for (const { wanted, found } of this.#waiting) if (wanted(event)) found(event);
  }
}

/** Trains to the end in a temporary run folder. @throws Error with standard error when it does not end well */
export async function train(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<ElboResult> {
  const folder = await temporaryFolder();
  try {
    const result = await new ElboProcess(['train', ...args, '--out', folder.path], env).result;
    if (result.exitCode !== 0)
      throw new Error(`elbo train ${args.join(' ')} ended with ${result.exitCode}: ${result.stderr}`);
    return result;
  } finally {
    await folder.remove();
  }
}

export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'elbo-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
