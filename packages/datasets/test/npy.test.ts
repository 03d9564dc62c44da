import { readNpyExamples } from '@elbo/datasets/importers/npy';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { npy, sourceFile } from './support.js';

const dict = (descr: string, order: string, shape: string) =>
  `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }`;

async function readMade(...made: Parameters<typeof npy>) {
  return readNpyExamples(await sourceFile('array.npy', npy(...made)));
}

describe('the NPY importer', () => {
  it('reads u1, f4 and f8 of versions 1, 2 and 3', async () => {
    for (const version of [1, 2, 3] as const) {
      const bytes = await readMade({ descr: '|u1', shape: [2, 2] }, Uint8Array.of(1, 2, 3, 255), version);
      expect(bytes.values).toEqual(Uint8Array.of(1, 2, 3, 255));
      const singles = await readMade({ descr: '<f4', shape: [3] }, Float32Array.of(0.1, -2, 3), version);
      expect(singles).toMatchObject({ count: 3, exampleShape: [1], values: Float32Array.of(0.1, -2, 3) });
      const doubles = await readMade({ descr: '<f8', shape: [1, 1, 2] }, Float64Array.of(0.1, 1 / 3), version);
      expect(doubles).toMatchObject({ count: 1, exampleShape: [1, 2], values: Float32Array.of(0.1, 1 / 3) });
    }
  });

  it('gives back any float32 array', async () => {
    await fc.assert(
      fc.asyncProperty(fc.float32Array({ noNaN: true, noDefaultInfinity: true, minLength: 1 }), async (values) => {
        expect((await readMade({ descr: '<f4', shape: [values.length] }, values)).values).toEqual(values);
      }),
      { numRuns: 30 },
    );
  });

  it('reads a header whose keys are in another order and whose values are not aligned', async () => {
    const text = "{'shape':(1,2),'fortran_order':False,'descr':'<f4'}\n";
    const head = Buffer.from(`\x93NUMPY\x01\x00${String.fromCharCode(text.length)}\x00${text}`, 'latin1');
    const data = new Uint8Array(Float32Array.of(5, 6).buffer);
    const table = await readNpyExamples(await sourceFile('odd.npy', Buffer.concat([head, data])));
    expect(table.values).toEqual(Float32Array.of(5, 6));
  });

  it('names the row and column of NaN and infinity, and of a double that float32 cannot hold', async () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, -1e300]) {
      const data = Float64Array.of(0, 1, 2, 3, bad, 5);
      await expect(readMade({ descr: '<f8', shape: [2, 3] }, data)).rejects.toMatchObject({
        code: 'non-finite-value',
        row: 1,
        column: 1,
      });
    }
  });

  it('names a truncated file, with and without its header', async () => {
    const whole = npy({ descr: '<f4', shape: [2, 2] }, Float32Array.of(1, 2, 3, 4));
    for (const length of [7, 9, 40, whole.length - 1]) {
      const path = await sourceFile('short.npy', whole.subarray(0, length));
      await expect(readNpyExamples(path)).rejects.toMatchObject({ code: 'truncated-file', path, actualBytes: length });
    }
  });

  it('names a wrong magic and a version it does not read', async () => {
    const path = await sourceFile('zip.npy', 'PK\x03\x04...');
    await expect(readNpyExamples(path)).rejects.toMatchObject({ code: 'wrong-magic', path });
    const future = npy({ descr: '<f4', shape: [1] }, Float32Array.of(1));
    future[6] = 4;
    await expect(readNpyExamples(await sourceFile('v4.npy', future))).rejects.toThrow(/NPY version 4.0/);
  });

  it('refuses what it would misread, and says how to save it', async () => {
    const one = Float32Array.of(1);
    const header = (text: string) => readMade(text, one);
    await expect(header(dict("'>f4'", 'False', '(1,)'))).rejects.toThrow(/its type is >f4.*astype/);
    await expect(header(dict("'<i8'", 'False', '(1,)'))).rejects.toThrow(/its type is <i8/);
    await expect(header(dict("'<f4'", 'True', '(1,)'))).rejects.toThrow(/ascontiguousarray/);
    await expect(header(dict("'<f4'", 'False', '()'))).rejects.toThrow(/0 dimensions/);
    await expect(header(dict("'<f4'", 'False', '(0, 3)'))).rejects.toMatchObject({ code: 'empty-dataset' });
    await expect(header(dict("'<f4'", 'False', '(999999999, 999)'))).rejects.toMatchObject({ code: 'too-large' });
    await expect(readMade({ descr: '<f4', shape: [1] }, Float32Array.of(1, 2))).rejects.toThrow(/4 bytes follow/);
  });

  it('runs no Python: a header that is not the plain literal is refused', async () => {
    const bad = [
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } + x",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1), }",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
      "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,), }",
      "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }",
      "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }",
      "{'descr': '<f4', 'fortran_order': False}",
      "{'descr': '<f4' 'fortran_order': False, 'shape': (1,)}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}",
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)",
      "dict(descr='<f4')",
      '',
    ];
    for (const text of bad) {
      await expect(readMade(text, Float32Array.of(1)), text).rejects.toThrow(/its NPY header is not valid/);
    }
  });
});
