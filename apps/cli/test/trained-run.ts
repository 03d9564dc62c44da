import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const elbo = fileURLToPath(new URL('../bin/elbo.mjs', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line in a process of its own. */
export function runElbo(args: readonly string[], cwd: string): Promise<Ended> {
  const { REDIS_URL: _url, ...environment } = process.env;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [elbo, ...args], { cwd, env: { ...environment, NO_COLOR: '1' } });
    const ended = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (ended.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (ended.stderr += text));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...ended }));
  });
}

/** A folder of the test's own, with trained runs under runs/. */
export class TrainedRuns {
  private constructor(readonly root: string) {}

  static async create(): Promise<TrainedRuns> {
    return new TrainedRuns(await mkdtemp(join(tmpdir(), 'elbo-model-')));
  }

  /** Trains into runs/<name>, and gives that folder. @throws Error with standard error when it does not end well */
  async train(name: string, ...args: readonly string[]): Promise<string> {
    const folder = join(this.root, 'runs', name);
    const { code, stderr } = await runElbo(['train', ...args, '--threads', '1', '--out', folder], this.root);
    if (code !== 0) throw new Error(`elbo train ${args.join(' ')} ended with ${code}: ${stderr}`);
    return folder;
  }

  /** The path of a file in this folder. */
  path(...parts: readonly string[]): string {
    return join(this.root, ...parts);
  }

  remove(): Promise<void> {
    return rm(this.root, { recursive: true, force: true });
  }
}
