import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type RunEvent, runEventSchema } from '@elbo/protocol/events';
import type { RunOrder } from '@elbo/protocol/messages';
import { output, run } from './run-command.js';

export const composeFile = join(import.meta.dirname, '../../infra/compose.yaml');
const submitProgram = readFileSync(join(import.meta.dirname, 'submit.mjs'), 'utf8');

/** A cluster of containers under a project name, secrets and a port of its own. */
export class ComposeCluster {
  readonly project = `elbo-test-${randomBytes(4).toString('hex')}`;
  readonly #env: NodeJS.ProcessEnv;
  readonly #followers: ChildProcess[] = [];

  constructor(port: number) {
    this.#env = {
      ELBO_VERSION: 'test',
      ELBO_TOKEN: randomBytes(32).toString('hex'),
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

  async submit(job: RunOrder): Promise<void> {
    // Its imports are resolved from the working directory: the image's own packages.
    const command = ['exec', '-T', '--workdir', '/app/apps/cli', 'coordinator'];
    await this.compose([...command, 'node', '--input-type=module', '--eval', submitProgram], 30, JSON.stringify(job));
  }

  /** The first event of the coordinator that fits, past or to come. */
  async event(seconds: number, wanted: (event: RunEvent) => boolean): Promise<RunEvent> {
    const [container = ''] = await this.containers('coordinator');
    const follower = spawn('docker', ['logs', '--follow', container], { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#followers.push(follower);
    const seen: RunEvent[] = [];
    const timer = setTimeout(() => follower.kill('SIGKILL'), seconds * 1000);
    try {
      for await (const line of createInterface({ input: follower.stdout })) {
        const event = runEventSchema.parse(JSON.parse(line));
        seen.push(event);
        if (wanted(event)) return event;
      }
    } finally {
      clearTimeout(timer);
      follower.kill('SIGKILL');
    }
    const log = (await run('docker', ['logs', '--tail', '20', container], { seconds: 20 })).stderr;
    throw new Error(`no such event in ${seconds} s; ${seen.length} others came. The coordinator says: ${log}`);
  }

  async down(): Promise<void> {
    for (const follower of this.#followers) follower.kill('SIGKILL');
    await this.compose(['down', '--volumes', '--remove-orphans', '--timeout', '20'], 120);
  }
}

async function imageId(tag: string): Promise<string> {
  return (await run('docker', ['image', 'inspect', '--format', '{{.Id}}', tag], { seconds: 20 })).stdout.trim();
}
