import type { RunDirectory } from '@elbo/transport/run-directory';
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify';
import type { Guard } from '../auth/guard.js';
import { Refusal } from '../problem.js';
import { ClusterStream } from './cluster-stream.js';
import { type Frame, signOfLife } from './frame.js';
import { RunStream } from './run-stream.js';
import { Watcher } from './watcher.js';

const signOfLifeMs = 15_000;
export const mostWatchers = 500;

/** All who watch: how many there may be, that they are still let in, and what they share. */
export class Streams {
  readonly #watchers = new Map<Watcher, FastifyRequest>();
  readonly #runs = new Map<string, RunStream>();
  readonly #cluster: ClusterStream;
  readonly #signs: NodeJS.Timeout;

  constructor(
    private readonly directory: RunDirectory,
    private readonly guard: Pick<Guard, 'stillAllowed'>,
    private readonly log: FastifyBaseLogger,
  ) {
    this.#cluster = new ClusterStream(directory, (error) => this.#onError(error));
    this.#signs = setInterval(() => this.#showLife(), signOfLifeMs).unref();
  }

  /** Answers with the events of the cluster. @throws Refusal */
  watchCluster(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    return this.#open(request, reply, this.#cluster, (watcher) => this.#cluster.join(watcher));
  }

  /** Answers with the events of a run. @param after null for all that is kept, undefined for none. @throws Refusal */
  watchRun(
    request: FastifyRequest,
    reply: FastifyReply,
    runId: string,
    after: string | null | undefined,
  ): Promise<FastifyReply> {
    const stream = this.#runs.get(runId) ?? new RunStream(runId, this.directory, (error) => this.#onError(error));
    const leave = (watcher: Watcher) => {
      stream.leave(watcher);
      if (!stream.isWatched && this.#runs.get(runId) === stream) this.#runs.delete(runId);
    };
    const join = (watcher: Watcher) => {
      this.#runs.set(runId, stream);
      return stream.join(watcher, after);
    };
    return this.#open(request, reply, { leave }, join);
  }

  close(): void {
    clearInterval(this.#signs);
    for (const watcher of this.#watchers.keys()) watcher.end();
  }

  async #open(
    request: FastifyRequest,
    reply: FastifyReply,
    stream: { leave(watcher: Watcher): void },
    join: (watcher: Watcher) => Promise<Frame[]>,
  ): Promise<FastifyReply> {
    if (this.#watchers.size >= mostWatchers) {
      throw new Refusal(503, 'too-many-watchers', `${mostWatchers} watch already; close some, or wait`, 30);
    }
    const watcher = new Watcher(reply.raw);
    this.#watchers.set(watcher, request);
    const leave = () => {
      stream.leave(watcher);
      this.#watchers.delete(watcher);
    };
    reply.raw.once('close', leave);
    const first = await join(watcher).catch((error: unknown) => {
      leave();
      throw error;
    });
    reply.hijack();
    if (watcher.gone) {
      // Perhaps before there was anybody to hear it.
      leave();
      return reply;
    }
    const headers = reply.getHeaders() as Record<string, string>;
    reply.raw.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      // A proxy must not keep events back.
      'x-accel-buffering': 'no',
    });
    await watcher.sendFirst([signOfLife, ...first]);
    return reply;
  }

  #showLife(): void {
    for (const [watcher, request] of this.#watchers) {
      if (this.guard.stillAllowed(request)) watcher.send(signOfLife);
      else watcher.end();
    }
  }

  #onError(error: unknown): void {
    this.log.warn({ err: error }, 'what is watched could not be read, and is tried again');
  }
}
