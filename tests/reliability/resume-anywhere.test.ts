import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type FolderPlace, openRunArtefacts } from '@elbo/cli/launch/run-artefacts';
import type { RunEvent } from '@elbo/protocol/events';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConductedRun, specOf } from '../support/conducted-run.js';
import { temporaryFolder } from '../support/elbo.js';
import { EmbeddedTestCluster, type Manners } from '../support/embedded-cluster.js';
import { recordedLearning } from '../support/run-records.js';

/** Five steps an epoch, three shards each, and two evaluations at its end. */
const spec = specOf({
  dataset: { name: 'gaussian-mixture', limit: 300, validation: 20 },
  model: { latentDim: 2, encoder: { hidden: [8] }, decoder: { hidden: [8] }, likelihood: { kind: 'gaussian' } },
  engine: 'cpu',
  training: { epochs: 3, globalBatchSize: 64, shardsPerStep: 3 },
});
const steps = 15;

interface Session {
  /** The run is told to stop when this step is done; never when null. */
  readonly stopAfter: number | null;
  /** Its only worker leaves with the so manieth shard it takes, and the run is told to stop then. */
  readonly workerLeavesAfter?: number;
}

describe('a run that is stopped', () => {
  let root: { readonly path: string; remove(): Promise<void> };
  let undisturbed: { readonly sha256: string; readonly learning: unknown[] };
  beforeAll(async () => {
    root = await temporaryFolder();
    const folder = join(root.path, 'whole');
    const sha256 = await conduct(folder, { stopAfter: null });
    undisturbed = { sha256, learning: await recordedLearning(folder) };
    expect(undisturbed.learning).toHaveLength(steps + 3);
  });
  afterAll(() => root?.remove());

  it('after any steps, any number of times, ends as if it never was', async () => {
    const stops = fc.uniqueArray(fc.integer({ min: 1, max: steps - 1 }), { maxLength: 4 });
    const sorted = stops.map((each) => each.toSorted((a, b) => a - b));
    await fc.assert(
      fc.asyncProperty(sorted, async (stopsAfter) => {
        const folder = join(root.path, 'stopped');
        await rm(folder, { recursive: true, force: true });
        for (const stopAfter of stopsAfter) await conduct(folder, { stopAfter });
        expect(await conduct(folder, { stopAfter: null })).toBe(undisturbed.sha256);
        expect(await recordedLearning(folder)).toEqual(undisturbed.learning);
      }),
      { numRuns: 12 },
    );
  });

  it.each([
    ['in the middle of a step', 5],
    ['while an epoch is evaluated, whose report comes when it goes on', 16],
    ['between an epoch’s two evaluations', 17],
  ])('without workers, %s, ends as if it never was', async (_when, workerLeavesAfter) => {
    const folder = join(root.path, `left-after-${workerLeavesAfter}`);
    await conduct(folder, { stopAfter: null, workerLeavesAfter });
    expect((await recordedLearning(folder)).length).toBe(Math.floor((workerLeavesAfter - 1) / 3));
    expect(await conduct(folder, { stopAfter: null })).toBe(undisturbed.sha256);
    expect(await recordedLearning(folder)).toEqual(undisturbed.learning);
  });
});

/** Conducts the run once in its folder, from where it was left. Returns the parametersSha256 that it came to. */
async function conduct(path: string, { stopAfter, workerLeavesAfter }: Session): Promise<string> {
  const cluster = new EmbeddedTestCluster();
  const stop = new AbortController();
  const place: FolderPlace = { kind: 'kept', path };
  const run = new ConductedRun(cluster.transport, spec, 'run-stopped', {
    ...cluster.surroundings,
    signal: stop.signal,
    openArtefacts: async (resolved, fence) => {
      const artefacts = await openRunArtefacts(resolved, place, fence);
      return {
        ...artefacts,
        handle(event: RunEvent) {
          artefacts.handle(event);
          if (event.event === 'step' && event.step === stopAfter) stop.abort();
        },
        drawEpoch: async () => null,
        drawPictures: async () => {},
      };
    },
  });
  if (workerLeavesAfter !== undefined) {
    // A moment later, while its last shard is on its slow way: by then the conductor has made use of those before.
    void run.contributions('worker', workerLeavesAfter - 1).then(() => setTimeout(() => stop.abort(), 30));
  }
  cluster.join('worker', workerLeavesAfter === undefined ? {} : leavingWith(workerLeavesAfter));
  try {
    return await run.ended;
  } finally {
    await cluster.close();
  }
}

/** Takes its last shard and is slow with it, so that it is gone before it contributes it. */
function leavingWith(leavesAfter: number): Manners {
  return { leavesAfter, delaysMs: [...Array<number>(leavesAfter - 1).fill(0), 100] };
}
