import { createHash } from 'node:crypto';
import { type ByteSource, checkpointFileHead, readCheckpointFile } from '@elbo/coordinator/checkpoint/file-format';
import type { EpochProgress } from '@elbo/coordinator/checkpoint/header';
import { restoreNewest } from '@elbo/coordinator/checkpoint/restore';
import { specSha256 } from '@elbo/coordinator/checkpoint/spec-hash';
import { checkpointTensorBytes, takeCheckpoint } from '@elbo/coordinator/checkpoint/take-checkpoint';
import { CheckpointError } from '@elbo/coordinator/errors';
import { resolveRun } from '@elbo/coordinator/resolve-run';
import { RunState } from '@elbo/coordinator/run-state';
import type { ResolvedRun } from '@elbo/protocol/messages';
import { type RunSpecInput, runSpecSchema } from '@elbo/protocol/run-spec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const facts = { hash: 'a'.repeat(64), dataDim: 4, examples: { train: 100, validation: 0, test: 0 } };
/** 100 examples by 32: four steps an epoch. */
const input: RunSpecInput = {
  dataset: { name: 'tiny' },
  model: { latentDim: 2, encoder: { hidden: [3] }, decoder: { hidden: [3] } },
  training: { epochs: 2, globalBatchSize: 32 },
};
const runOf = (over: RunSpecInput = input, hash = facts.hash) => {
  return resolveRun('run-1', runSpecSchema.parse(over), { ...facts, hash });
};
const run = runOf();
const inMidEpoch: EpochProgress = {
  terms: { sampleCount: 64, reconstructionLogProb: -0.1 - 0.2, klPerDimension: [1e-300, 2 / 3] },
  trainingMs: 1.5,
};

/** A run after two steps, every number of its state another. */
function trained(): RunState {
  const state = RunState.create(run, 0);
  for (const { data } of state.tensors)
    for (let i = 0; i < data.length; i++) data[i] = Math.fround(Math.sin(i + 1) * 10 ** (i % 7));
  state.step = 2;
  return state;
}

function checkpointOf(state: RunState, epoch = inMidEpoch) {
  return takeCheckpoint(run, state, epoch, new Uint8Array(checkpointTensorBytes(state)));
}

function fileOf(checkpoint = checkpointOf(trained())): Buffer {
  return Buffer.concat([checkpointFileHead(checkpoint), checkpoint.tensors]);
}

describe('what computed a run', () => {
  it('is in its checkpoints, and missed in none of those that do not have it', async () => {
    const build = { version: '0.1.0', engine: 'onnxruntime-node 1', cpu: 'x64 GenuineIntel avx2' };
    const state = trained();
    const target = () => new Uint8Array(checkpointTensorBytes(state));
    expect((await read(fileOf(takeCheckpoint(run, state, inMidEpoch, target(), build)))).build).toEqual(build);
    expect((await read(fileOf())).build).toBeNull();
  });
});

/** A file in memory that counts what was asked of it. */
function sourceOf(file: Uint8Array, size = file.length) {
  const source = {
    size,
    bytesRead: 0,
    async read(target: Uint8Array, position: number) {
      const part = file.subarray(position, position + target.length);
      target.set(part);
      source.bytesRead += target.length;
      return part.length;
    },
  };
  return source satisfies ByteSource;
}

const read = async (file: Uint8Array, of: ResolvedRun = run) => {
  const state = RunState.create(of, 0);
  const untouched = Buffer.from(bytesOf(state));
  const load = (maxTensorBytes: number) => readCheckpointFile(sourceOf(file), 'the file', maxTensorBytes);
  try {
    return { state, ...(await restoreNewest([{ where: 'the file', step: 1, load }], of, state)) };
  } catch (error) {
    expect(bytesOf(state)).toEqual(untouched);
    throw error;
  }
};

function bytesOf(state: RunState): Buffer {
  return Buffer.concat(state.tensors.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength)));
}

describe('a checkpoint', () => {
  it('restores every bit of the state, and the sums of the epoch', async () => {
    const { state, epoch } = await read(fileOf());
    expect(bytesOf(state)).toEqual(bytesOf(trained()));
    expect(state.step).toBe(2);
    expect(epoch).toEqual(inMidEpoch);
  });

  it('is refused whichever of its bytes is changed, and nothing is touched then', async () => {
    const file = fileOf();
    const anyChange = fc.tuple(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(anyChange, async ([at, by]) => {
        const changed = Buffer.from(file);
        changed[at] = (changed[at] as number) ^ by;
        await expect(read(changed)).rejects.toMatchObject({ code: 'NO_USABLE_CHECKPOINT' });
      }),
      { numRuns: 60 },
    );
  });

  it('is refused wherever it is cut off, and when something follows it', async () => {
    const file = fileOf();
    for (const length of [0, 7, 47, 48, 300, file.length - 1]) {
      await expect(read(file.subarray(0, length))).rejects.toThrow('it is cut off');
    }
    await expect(read(Buffer.concat([file, Buffer.alloc(1)]))).rejects.toThrow('1 bytes follow its end');
  });

  it('of any bytes at all is an error of ours or none, and no more is read than the file and the run hold', async () => {
    const anything = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.concat([Buffer.from('elbo-ckp'), bytes]));
    await fc.assert(
      fc.asyncProperty(anything, async (bytes) => {
        const source = sourceOf(bytes);
        await expect(readCheckpointFile(source, 'the file', 1000)).rejects.toBeInstanceOf(CheckpointError);
        expect(source.bytesRead).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });

  it('that claims tensors larger than the run has is refused before they are read', async () => {
    const file = fileOf();
    const source = sourceOf(file);
    await expect(readCheckpointFile(source, 'the file', 100)).rejects.toMatchObject({ fault: 'foreign' });
    expect(source.bytesRead).toBeLessThan(file.length - checkpointTensorBytes(trained()) + 1);
  });

  it.each([
    ['a gap', { offsets: [4, 16] as const }, 'begins at byte 4, not 0'],
    ['a shape of another length', { shape: [5] }, 'not the 20 of shape [5]'],
    ['a shape that overflows', { shape: [2 ** 40, 2 ** 40] }, 'cannot be'],
    ['another type', { dtype: 'F64' }, 'tensors.0.dtype'],
  ])('with %s in its header is refused', async (_what, change, message) => {
    const checkpoint = checkpointOf(trained());
    const header = JSON.parse(checkpoint.meta);
    Object.assign(header.tensors[0], change);
    await expect(read(fileOf({ ...checkpoint, meta: JSON.stringify(header) }))).rejects.toThrow(message);
  });

  it.each([
    [0, 'an older Elbo'],
    [2, 'a newer Elbo'],
  ])('of format version %i is named as written by %s', async (version, age) => {
    const checkpoint = checkpointOf(trained());
    const meta = JSON.stringify({ ...JSON.parse(checkpoint.meta), version, fieldOfThatVersion: true });
    await expect(read(fileOf({ ...checkpoint, meta }))).rejects.toThrow(age);
  });

  it.each([
    ['run', { ...run, runId: 'run-2' }, 'it is of run run-1, not run-2'],
    ['spec', runOf({ ...input, seed: 2 }), 'it was saved under another spec'],
    ['optimiser', runOf({ ...input, training: { ...input.training, optimizer: { kind: 'sgd' } } }), 'bytes of tensors'],
    ['model', runOf({ ...input, model: { latentDim: 3 } }), 'parameters of'],
  ])('of another %s is refused as foreign', async (_what, other, message) => {
    await expect(read(fileOf(), other)).rejects.toThrow(message);
  });

  it('on a data set that changed names both hashes, and none before it is tried', async () => {
    const changed = runOf(input, 'b'.repeat(64));
    const error = { code: 'DATASET_CHANGED', began: 'a'.repeat(64), found: 'b'.repeat(64) };
    await expect(read(fileOf(), changed)).rejects.toMatchObject(error);
  });

  it('whose sums are not those of its step is refused', async () => {
    await expect(read(fileOf(checkpointOf(trained(), { ...inMidEpoch, trainingMs: 0 })))).resolves.toBeDefined();
    const terms = { sampleCount: 65, reconstructionLogProb: 0, klPerDimension: [0, 0] };
    await expect(read(fileOf(checkpointOf(trained(), { terms, trainingMs: 0 })))).rejects.toThrow(
      'not those of step 2',
    );
  });

  it('that is newest is tried first, and the one before it when that does not hold', async () => {
    const file = fileOf();
    const load = (bytes: Uint8Array) => (max: number) => readCheckpointFile(sourceOf(bytes), 'the file', max);
    const state = RunState.create(run, 0);
    const candidates = [
      { where: 'old', step: 2, load: load(file) },
      { where: 'new', step: 3, load: load(file.subarray(1)) },
    ];
    const restored = await restoreNewest(candidates, run, state);
    expect(restored).toMatchObject({ where: 'old', refused: [{ fault: 'damaged' }] });
  });
});

describe('the hash of a spec', () => {
  it('does not depend on the order of its fields, and does on each of their values', () => {
    const spec = run.spec;
    expect(specSha256(Object.fromEntries(Object.entries(spec).reverse()) as typeof spec)).toBe(specSha256(spec));
    expect(specSha256({ ...spec, seed: spec.seed + 1 })).not.toBe(specSha256(spec));
    expect(specSha256(spec)).toHaveLength(createHash('sha256').digest('hex').length);
  });
});
