import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRunArtefacts } from '@elbo/cli/launch/run-artefacts';
import { readRunFile } from '@elbo/cli/run-folder/run-claim';
import { checkpointTensorBytes, takeCheckpoint } from '@elbo/coordinator/checkpoint/take-checkpoint';
import { resolveRun } from '@elbo/coordinator/resolve-run';
import { RunState } from '@elbo/coordinator/run-state';
import type { RunEvent } from '@elbo/protocol/events';
import { runSpecSchema } from '@elbo/protocol/run-spec';
import { LeaseLostError } from '@elbo/transport/errors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const spec = runSpecSchema.parse({
  dataset: { name: 'tiny' },
  model: { latentDim: 2, encoder: { hidden: [3] }, decoder: { hidden: [3] } },
});
const examples = { train: 1280, validation: 0, test: 0 };
const run = resolveRun('tiny-1', spec, { hash: 'a'.repeat(64), dataDim: 4, examples });
const none = { terms: null, trainingMs: 0 };

function stepEvent(step: number): RunEvent {
  const terms = { elbo: -1, reconstructionLogProb: -1, klDivergence: 0 };
  const rates = { beta: 1, learningRate: 0.001, examples: 128, imagesPerSecond: 1 };
  return { event: 'step', runId: run.runId, time: 0, epoch: 1, step, ...terms, ...rates };
}

let path = '';
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'elbo-shared-'));
});
afterEach(() => rm(path, { recursive: true }));

const open = (fence = async () => {}) => openRunArtefacts(run, { kind: 'kept', path }, fence);
const checkpointAt = (step: number) => {
  const state = RunState.create(run, 0);
  state.step = step;
  return takeCheckpoint(run, state, none, new Uint8Array(checkpointTensorBytes(state)));
};
const stepsOnRecord = async () => {
  const lines = (await readFile(join(path, 'metrics.ndjson'), 'utf8')).trimEnd().split('\n');
  return lines.filter(Boolean).map((line) => JSON.parse(line).step);
};

describe('a run folder that two conductors know', () => {
  it('is the later one’s: nothing that the one before it still writes arrives', async () => {
    const first = await open();
    await first.continueAfter(0, true);
    for (let step = 1; step <= 4; step++) first.handle(stepEvent(step));
    await first.flush();
    await first.saveCheckpoint(checkpointAt(2));

    const second = await open();
    expect(second.checkpoints.map(({ step }) => step)).toEqual([2]);
    expect(await second.continueAfter(2, true)).toBe(2);
    first.handle(stepEvent(5));
    await first.flush();
    const claimed = { code: 'FOLDER_CLAIMED', runId: run.runId };
    const state = RunState.create(run, 0);
    await expect(first.saveCheckpoint(checkpointAt(5))).rejects.toMatchObject(claimed);
    await expect(first.saveModel(state, state.parameters, 5)).rejects.toMatchObject(claimed);
    await expect(first.close('stopped')).rejects.toMatchObject(claimed);

    second.handle(stepEvent(3));
    await second.flush();
    expect(await stepsOnRecord()).toEqual([1, 2, 3]);
    expect((await readdir(path)).sort()).toEqual([
      'checkpoint-000000002.elbo',
      'metrics.ndjson',
      'run.json',
      'spec.yaml',
    ]);
    await second.close('completed');
    expect((await readRunFile(path))?.state).toBe('completed');
    expect(await readdir(path)).not.toContain('checkpoint-000000002.elbo');
  });

  it('takes no checkpoint of a conductor that lost its lease while it wrote it', async () => {
    let lost = false;
    const artefacts = await open(async () => {
      if (lost) throw new LeaseLostError(run.runId, 1, 2);
    });
    await artefacts.continueAfter(0, true);
    await artefacts.saveCheckpoint(checkpointAt(1));
    lost = true;
    await expect(artefacts.saveCheckpoint(checkpointAt(2))).rejects.toMatchObject({ code: 'LEASE_LOST', holder: 2 });
    await artefacts.close('deposed');
    expect((await readdir(path)).filter((name) => /checkpoint|tmp|README/.test(name))).toEqual([
      'checkpoint-000000001.elbo',
    ]);
  });

  it('keeps the newest two checkpoints', async () => {
    const artefacts = await open();
    await artefacts.continueAfter(0, true);
    for (const step of [1, 2, 30]) await artefacts.saveCheckpoint(checkpointAt(step));
    await artefacts.close('stopped');
    const again = await open();
    expect(again.checkpoints.map(({ step }) => step)).toEqual([30, 2]);
    await again.close('stopped');
  });

  it('is refused when it is of another run, or of none', async () => {
    await writeFile(join(path, 'notes.txt'), 'mine');
    await expect(open()).rejects.toMatchObject({ code: 'folder-in-use' });
    await rm(join(path, 'notes.txt'));
    await (await open()).close('stopped');
    const other = openRunArtefacts({ ...run, runId: 'tiny-2' }, { kind: 'kept', path }, async () => {});
    await expect(other).rejects.toThrow('is of run tiny-1, not tiny-2');
    const otherData = openRunArtefacts({ ...run, datasetHash: 'b'.repeat(64) }, { kind: 'kept', path }, async () => {});
    await expect(otherData).rejects.toMatchObject({ code: 'DATASET_CHANGED' });
  });
});
