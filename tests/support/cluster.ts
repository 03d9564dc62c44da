import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { WorkerProcess } from '@elbo/cli/launch/worker-process';
import type { ConductPhase } from '@elbo/coordinator/phases';
import { type RunEvent, runEventSchema } from '@elbo/protocol/events';
import type { RunSpec } from '@elbo/protocol/run-spec';
import { createRedisConductorTransport, type RedisConductorTransport } from '@elbo/transport/redis/conductor';
import { temporaryFolder } from './elbo.js';
import { withRedis } from './process-memory.js';
import type { TestRedis } from './redis.js';

const script = fileURLToPath(new URL('./coordinator-process.mjs', import.meta.url));
const token = 'a-token-that-only-this-test-knows';

export interface CoordinatorTestOptions {
  /** Kills itself at this phase of a step, from a step on. */
  readonly strike?: { readonly phase: ConductPhase; readonly fromStep: number };
  /** Its event loop stands still for so long after every so many updates. */
  readonly busy?: { readonly everySteps: number; readonly ms: number };
  readonly checkpointIntervals?: { readonly redis: number; readonly folder: number };
  readonly maxRuns?: number;
  /** Keeps run folders of its own, as on another host. */
  readonly elsewhere?: true;
}

/** A cluster of real processes on a test's Redis. */
export class TestCluster {
  readonly #workers: WorkerProcess[] = [];
  readonly #coordinators: CoordinatorProcess[] = [];

  private constructor(
    private readonly redisUrl: string,
    readonly prefix: string,
    readonly transport: RedisConductorTransport,
    private readonly folder: { readonly path: string; remove(): Promise<void> },
  ) {}

  static async start(redis: TestRedis, workers: number): Promise<TestCluster> {
    const prefix = redis.freshPrefix();
    const transport = await createRedisConductorTransport({ redisUrl: redis.url, prefix, token });
    const cluster = new TestCluster(redis.url, prefix, transport, await temporaryFolder());
    for (let i = 0; i < workers; i++) cluster.addWorker();
    return cluster;
  }

  addWorker(): WorkerProcess {
    const { redisUrl, prefix } = this;
    const workerId = `worker-${this.#workers.length + 1}`;
    const worker = new WorkerProcess({ redisUrl, prefix, token, threads: 1, workerId });
    this.#workers.push(worker);
    return worker;
  }

  addCoordinator({ elsewhere, ...options }: CoordinatorTestOptions = {}): CoordinatorProcess {
    const { redisUrl, prefix } = this;
    const runsFolder = elsewhere ? join(this.folder.path, 'elsewhere') : this.folder.path;
    const access = { redisUrl, prefix, token, runsFolder };
    const coordinator = new CoordinatorProcess({ ...access, ...options });
    this.#coordinators.push(coordinator);
    return coordinator;
  }

  async submit(runId: string, spec: RunSpec): Promise<void> {
    await this.transport.submitRun({ runId, spec });
  }

  /** Of a key without its prefix, milliseconds. */
  async ttlMs(key: string): Promise<number> {
    return withRedis(this.redisUrl, (client) => client.pttl(`${this.prefix}:${key}`));
  }

  runFolder(runId: string): string {
    return join(this.folder.path, runId);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#coordinators.map((coordinator) => coordinator.kill('SIGKILL')));
    await Promise.all(this.#workers.map((worker) => worker.stop()));
    await this.transport.close();
    await this.folder.remove();
  }
}

export class CoordinatorProcess {
  readonly child: ChildProcess;
  readonly events: RunEvent[] = [];
  /** Resolves, with the signal or the exit code, when the process is gone. */
  readonly gone: Promise<NodeJS.Signals | number | null>;
  stderr = '';
  readonly #watchers = new Set<(event: RunEvent) => void>();

  constructor(options: object) {
    this.child = spawn(process.execPath, [script, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    createInterface({ input: this.child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      // A process that was killed may leave half a line.
      if (!line.endsWith('}')) return;
      const event = runEventSchema.parse(JSON.parse(line));
      this.events.push(event);
      for (const watch of this.#watchers) watch(event);
    });
    this.gone = once(this.child, 'close').then(([code, signal]) => signal ?? code);
  }

  /** Resolves with the first event that fits, past or to come; rejects when the process ends without one. */
  async event(wanted: (event: RunEvent) => boolean): Promise<RunEvent> {
    const past = this.events.find(wanted);
    if (past) return past;
    const coming = new Promise<RunEvent>((resolve) => {
      const watch = (event: RunEvent) => {
        if (!wanted(event)) return;
        this.#watchers.delete(watch);
        resolve(event);
      };
      this.#watchers.add(watch);
    });
    const ended = this.gone.then((how) => {
      throw new Error(`the coordinator ended (${how}) before the event came: ${this.stderr}`);
    });
    return Promise.race([coming, ended]);
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    await this.gone;
  }
}
