import { ModelViewError, type ModelViews } from '@elbo/coordinator/http/model-views';
import type { LatentPlane } from '@elbo/protocol/cluster';
import type { SplitName } from '@elbo/protocol/messages';
import { prepareProcess } from '@elbo/vae-core/engines/prepare-process';
import { Piscina } from 'piscina';
import type { ViewAnswer, ViewTask } from './messages.js';

const mostWaiting = 64;
/** A thread that nobody asks for so long is ended, with all that it keeps. */
const idleMs = 60_000;

/** The views of models on one thread of their own: the event loop of the coordinator never waits for them. */
export class ThreadedModelViews implements ModelViews {
  readonly #piscina: Piscina<ViewTask, ViewAnswer>;

  constructor(options: { readonly idleMs?: number } = {}) {
    prepareProcess();
    this.#piscina = new Piscina<ViewTask, ViewAnswer>({
      filename: new URL('./view-task.js', import.meta.url).href,
      name: 'answerView',
      minThreads: 0,
      maxThreads: 1,
      maxQueue: mostWaiting,
      concurrentTasksPerWorker: 1,
      idleTimeout: options.idleMs ?? idleMs,
    });
  }

  async latentPlane(runFolder: string, limit: number): Promise<LatentPlane> {
    const answer = await this.#ask({ kind: 'plane', runFolder, limit });
    if ('plane' in answer) return answer.plane;
    throw unexpected(answer);
  }

  async decode(runFolder: string, x: number, y: number): Promise<Uint8Array> {
    return this.#askPicture({ kind: 'decode', runFolder, x, y });
  }

  async example(runFolder: string, index: number, split: SplitName): Promise<Uint8Array> {
    return this.#askPicture({ kind: 'example', runFolder, index, split });
  }

  /** Threads that run now. */
  get threads(): number {
    return this.#piscina.threads.length;
  }

  async close(): Promise<void> {
    await this.#piscina.destroy();
  }

  async #askPicture(task: ViewTask): Promise<Uint8Array> {
    const answer = await this.#ask(task);
    if ('png' in answer) return answer.png;
    throw unexpected(answer);
  }

  async #ask(task: ViewTask): Promise<ViewAnswer> {
    if (this.#piscina.queueSize >= mostWaiting) {
      throw new ModelViewError(
        'busy',
        `${mostWaiting} requests wait for the thread that draws models: try again later`,
      );
    }
    const answer = await this.#piscina.run(task);
    if ('fault' in answer) throw new ModelViewError(answer.fault, answer.message);
    return answer;
  }
}

function unexpected(answer: ViewAnswer): Error {
  return new Error(`the thread that draws models answered ${Object.keys(answer).join(', ')}`);
}
