import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { ElboProcess } from '../support/elbo.js';
import { output, run } from './run-command.js';

export const composeFile = join(import.meta.dirname, '../../infra/compose.yaml');
const elbo = join(import.meta.dirname, '../../apps/cli/bin/elbo.mjs');

/** A cluster of containers under a project name, secrets and a port of its own. */
export class ComposeCluster {
  readonly project = `elbo-test-${randomBytes(4).toString('hex')}`;
  /** Of the API and the page. */
  readonly url: string;
  readonly token = randomBytes(32).toString('hex');
  readonly readToken = randomBytes(32).toString('hex');
  readonly #env: NodeJS.ProcessEnv;
  readonly #watchers: ElboProcess[] = [];

  constructor(port: number) {
    this.url = `http://127.0.0.1:${port}`;
    this.#env = {
      ELBO_VERSION: 'test',
      ELBO_TOKEN: this.token,
      ELBO_READ_TOKEN: this.readToken,
      REDIS_PASSWORD: randomBytes(32).toString('hex'),
      ELBO_PORT: String(port),
      WORKER_FLAGS: '--threads 1',
      BUILDKIT_PROGRESS: 'plain',
    };
  }

  compose(args: readonly string[], seconds: number, input?: string): Promise<string> {
    // No file of the person who runs the tests decides anything.
    const files = ['--env-file', '/dev/null', '--file', composeFile, '--project-name', this.project];
    const options = input === undefined ? {} : { input };
    return output('docker', ['compose', ...files, ...args], { seconds, env: this.#env, ...options });
  }

  async build(): Promise<void> {
    const before = await imageId('elbo:test');
    await this.compose(['build', 'coordinator'], 420);
    // What the tag meant before would stay as a nameless image.
    if (before !== (await imageId('elbo:test'))) await run('docker', ['image', 'rm', before], { seconds: 30 });
  }

  async up(workers: number): Promise<void> {
    await this.compose(['up', '--detach', '--no-build', '--wait', '--scale', `worker=${workers}`], 90);
  }

  /** The containers of a service, running or not. */
  async containers(service: string): Promise<string[]> {
    const ids = await this.compose(['ps', '--all', '--quiet', service], 20);
    return ids.split('\n').filter((id) => id !== '');
  }

  /** A command in the container of a service. */
  inside(service: string, command: readonly string[], input?: string): Promise<string> {
    return this.compose(['exec', '-T', service, ...command], 30, input);
  }

  /** `elbo <args>` on this machine, to its end: standard output. */
  elbo(args: readonly string[]): Promise<string> {
    return output(process.execPath, [elbo, ...args], { seconds: 60, env: this.#access });
  }

  /** `elbo submit <file> --watch` on this machine. */
  submitAndWatch(file: string): ElboProcess {
    const watcher = new ElboProcess(['submit', file, '--watch'], this.#access);
    this.#watchers.push(watcher);
    return watcher;
  }

  get #access(): NodeJS.ProcessEnv {
    return { ELBO_SERVER: this.url, ELBO_TOKEN: this.token };
  }

  async down(): Promise<void> {
    for (const { child } of this.#watchers) child.kill('SIGKILL');
    await this.compose(['down', '--volumes', '--remove-orphans', '--timeout', '20'], 120);
  }
}

async function imageId(tag: string): Promise<string> {
  return (await run('docker', ['image', 'inspect', '--format', '{{.Id}}', tag], { seconds: 20 })).stdout.trim();
}
