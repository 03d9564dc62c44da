import { BatchReader } from '@elbo/datasets/batch-reader';
import { packDataset } from '@elbo/datasets/packed/pack';
import type { PackedDataset } from '@elbo/datasets/packed/packed-dataset';
import { splitWindows } from '@elbo/datasets/splits';
import type { PixelTreatment } from '@elbo/protocol/run-spec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HashRandom } from './support.js';

const random = new HashRandom(1);

function pack(values: Uint8Array | Float32Array, dataDim: number, scale: number, testCount = 1): PackedDataset {
  const count = values.length / dataDim;
  const part = (from: number, to: number) => ({
    source: 'made by a test',
    count: to - from,
    exampleShape: [dataDim],
    values: values.slice(from * dataDim, to * dataDim),
    labels: Uint8Array.from({ length: to - from }, (_, i) => from + i),
    labelNames: null,
  });
  return packDataset({ name: 'made', scale }, part(0, count - testCount), part(count - testCount, count));
}

/** 20 train and 2 test examples of 8 pixels that see every size of value. */
const bytes = pack(
  Uint8Array.from({ length: 22 * 8 }, (_, i) => (i * 37) % 256),
  8,
  1 / 255,
  2,
);

function read(
  dataset: PackedDataset,
  pixels: PixelTreatment,
  split: 'train' | 'validation' | 'test',
  indices: readonly number[],
  { epoch = 0, validation = 0, seed = 1 } = {},
): number[] {
  const reader = new BatchReader(dataset, { pixels, validation }, new HashRandom(seed));
  const out = new Float32Array(indices.length * reader.dataDim);
  reader.read(split, indices, epoch, out);
  return [...out];
}

describe('raw pixels', () => {
  it('are bytes over 255, to the bit, in the order of the indices', () => {
    const all = pack(
      Uint8Array.from({ length: 512 }, (_, i) => i % 256),
      256,
      1 / 255,
    );
    expect(read(all, 'raw', 'train', [0])).toEqual(Array.from({ length: 256 }, (_, i) => Math.fround(i / 255)));
    expect(read(bytes, 'raw', 'train', [3, 1, 3])).toEqual([
      ...read(bytes, 'raw', 'train', [3]),
      ...read(bytes, 'raw', 'train', [1]),
      ...read(bytes, 'raw', 'train', [3]),
    ]);
  });

  it('are value times scale for any data, whatever the dimension and the type', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.uint8Array({ minLength: 18, maxLength: 60 }),
        fc.boolean(),
        fc.constantFrom(1, 1 / 255, 0.3),
        (dataDim, data, asFloats, scale) => {
          const count = Math.floor(data.length / dataDim);
          const used = data.subarray(0, count * dataDim);
          const dataset = pack(asFloats ? Float32Array.from(used) : used, dataDim, scale);
          const indices = Array.from({ length: count - 1 }, (_, i) => count - 2 - i);
          const expected = indices.flatMap((i) => [...used.subarray(i * dataDim, (i + 1) * dataDim)]);
          expect(read(dataset, 'raw', 'train', indices)).toEqual(expected.map((x) => Math.fround(x * scale)));
        },
      ),
    );
  });

  it('leave the rest of a longer buffer alone', () => {
    const reader = new BatchReader(bytes, { pixels: 'raw', validation: 0 }, random);
    const out = new Float32Array(24).fill(-1);
    reader.read('train', Uint32Array.of(0, 1), 0, out);
    expect([...out.subarray(16)]).toEqual(Array(8).fill(-1));
    expect(out.subarray(0, 16)).not.toContain(-1);
  });
});

describe('thresholded pixels', () => {
  it('are 1 over one half and 0 at or under it', () => {
    const edges = Float32Array.of(0, 0.5, 0.5000001, 1, 0, 0, 0, 0);
    expect(read(pack(edges, 4, 1), 'threshold', 'train', [0])).toEqual([0, 0, 1, 1]);
    expect(read(pack(Uint8Array.of(127, 128, 0, 255, 0, 0, 0, 0), 4, 1 / 255), 'threshold', 'train', [0])).toEqual([
      0, 1, 0, 1,
    ]);
  });
});

describe('drawn pixels', () => {
  const indices = Array.from({ length: 20 }, (_, i) => i);

  it('are 0 or 1, never 1 where the value is 0 and always 1 where it is 1', () => {
    const sure = pack(
      Uint8Array.from({ length: 2000 }, (_, i) => (i % 2) * 255),
      100,
      1 / 255,
    );
    for (const pixels of ['static', 'dynamic'] as const) {
      const drawn = read(sure, pixels, 'train', [0, 7, 18]);
      expect(drawn).toEqual(Array.from({ length: 300 }, (_, i) => i % 2));
      expect(new Set(read(bytes, pixels, 'train', indices))).toEqual(new Set([0, 1]));
    }
  });

  it('are 0 where the value is 0, even when the uniform number is 0 too', () => {
    const zero = { fillUniform: (...call: unknown[]) => (call[4] as Float32Array).fill(0), fillNormal: () => {} };
    const reader = new BatchReader(pack(Uint8Array.of(0, 1, 0, 0), 2, 1), { pixels: 'static', validation: 0 }, zero);
    const out = new Float32Array(2);
    reader.read('train', [0], 0, out);
    expect([...out]).toEqual([0, 1]);
  });

  it('are 1 as often as the value says', () => {
    const flat = pack(new Float32Array(20_000).fill(0.3), 100, 1);
    const drawn = read(
      flat,
      'static',
      'train',
      Array.from({ length: 199 }, (_, i) => i),
    );
    const mean = drawn.reduce((sum, x) => sum + x, 0) / drawn.length;
    // Four standard errors of 19,900 draws.
    expect(Math.abs(mean - 0.3)).toBeLessThan(4 * Math.sqrt(0.21 / drawn.length));
  });

  it('stay the same all run long when static, and change each epoch when dynamic', () => {
    const draw = (pixels: PixelTreatment, epoch: number) => read(bytes, pixels, 'train', indices, { epoch });
    expect(draw('static', 3)).toEqual(draw('static', 0));
    expect(draw('dynamic', 3)).not.toEqual(draw('dynamic', 0));
    expect(draw('dynamic', 3)).toEqual(draw('dynamic', 3));
  });

  it('depend on the seed and the example, not on the batch, its order or who reads', () => {
    for (const pixels of ['static', 'dynamic'] as const) {
      const batch = read(bytes, pixels, 'train', [5, 2, 9], { epoch: 4 });
      expect(batch.slice(8, 16)).toEqual(read(bytes, pixels, 'train', [2], { epoch: 4 }));
      expect(read(bytes, pixels, 'train', indices, { seed: 2 })).not.toEqual(read(bytes, pixels, 'train', indices));
    }
  });

  it('are drawn as in epoch 0 for evaluation, whatever the epoch', () => {
    for (const split of ['validation', 'test'] as const) {
      const draw = (epoch: number) => read(bytes, 'dynamic', split, [0, 1], { epoch, validation: 5 });
      expect(draw(7)).toEqual(draw(0));
    }
  });

  it('stay with an example that moves from train to validation', () => {
    expect(read(bytes, 'static', 'validation', [0, 4], { validation: 5 })).toEqual(
      read(bytes, 'static', 'train', [15, 19]),
    );
  });

  it('of test and train examples do not share their draws', () => {
    const flat = pack(new Float32Array(400).fill(0.5), 200, 1);
    expect(read(flat, 'static', 'test', [0])).not.toEqual(read(flat, 'static', 'train', [0]));
  });

  it('and thresholds demand values in [0, 1], and name the first that is not', () => {
    const wide = pack(Float32Array.of(0, 1, 0.5, -0.25, 0, 0), 2, 1);
    for (const pixels of ['threshold', 'static', 'dynamic'] as const) {
      expect(() => read(wide, pixels, 'train', [0])).toThrow(
        expect.objectContaining({ code: 'value-out-of-range', split: 'train', example: 1, dimension: 1, value: -0.25 }),
      );
    }
    expect(() => read(wide, 'static', 'train', [0])).toThrow(/gaussian likelihood.*scale/);
    expect(read(wide, 'raw', 'train', [1])).toEqual([0.5, -0.25]);
    const inTest = pack(Float32Array.of(0, 1, 2), 1, 1);
    expect(() => read(inTest, 'static', 'train', [0])).toThrow(
      expect.objectContaining({ split: 'test', example: 0, value: 2 }),
    );
  });

  it('judge values as they are read, in float32: a 1/255 of ten digits makes 1 of 255, one of six digits does not', () => {
    const white = (scale: number) => pack(Uint8Array.of(0, 255, 255), 1, scale);
    expect(read(white(0.00392156863), 'threshold', 'train', [0, 1])).toEqual([0, 1]);
    expect(() => read(white(0.00392157), 'threshold', 'train', [0])).toThrow(
      expect.objectContaining({ code: 'value-out-of-range', example: 1, value: Math.fround(255 * 0.00392157) }),
    );
  });
});

describe('splits', () => {
  it('take validation from the end of train, and limit from the front of the rest', () => {
    expect(splitWindows(bytes, { validation: 5, limit: 4 })).toEqual({
      train: { stored: 'train', start: 0, count: 4 },
      validation: { stored: 'train', start: 15, count: 5 },
      test: { stored: 'test', start: 0, count: 2 },
    });
    expect(splitWindows(bytes, { validation: 5, limit: 100 }).train.count).toBe(15);
    expect(() => splitWindows(bytes, { validation: 20 })).toThrow(/has 20 training examples.*at most 19/);
  });

  it('give their own examples and labels', () => {
    const reader = new BatchReader(bytes, { pixels: 'raw', validation: 5, limit: 4 }, random);
    expect([...reader.labels('train')!]).toEqual([0, 1, 2, 3]);
    expect([...reader.labels('validation')!]).toEqual([15, 16, 17, 18, 19]);
    expect([...reader.labels('test')!]).toEqual([20, 21]);
    expect(read(bytes, 'raw', 'validation', [0], { validation: 5 })).toEqual(read(bytes, 'raw', 'train', [15]));
  });

  it('refuse an index outside them and a buffer that is too short', () => {
    const reader = new BatchReader(bytes, { pixels: 'raw', validation: 5, limit: 4 }, random);
    const out = new Float32Array(8);
    for (const index of [4, -1, 0.5, Number.NaN]) {
      expect(() => reader.read('train', [index], 0, out)).toThrow(/is not in the train split, which has 4/);
    }
    expect(() => reader.read('train', [0, 1], 0, out)).toThrow(/2 examples of 8 values do not fit in 8/);
  });
});
