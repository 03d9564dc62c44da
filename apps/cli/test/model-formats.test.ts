import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeCsv, float32Text, matrixColumns } from '@elbo/cli/formats/csv';
import { encodeNpy } from '@elbo/cli/formats/npy';
import { readCsvExamples } from '@elbo/datasets/importers/csv';
import { readNpyExamples } from '@elbo/datasets/importers/npy';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pythonWith, runPython } from '../../../tests/support/python.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'elbo-formats-'));
});
afterAll(() => rm(folder, { recursive: true }));
const python = pythonWith('numpy');

const finite = fc.float32Array({ noNaN: true, noDefaultInfinity: true, minLength: 1, maxLength: 40 });

describe('an NPY file', () => {
  it('is read back by our reader, whatever the values', async () => {
    const path = join(folder, 'back.npy');
    await fc.assert(
      fc.asyncProperty(finite, async (values) => {
        await writeFile(path, Buffer.concat(encodeNpy(values, [values.length, 1])));
        expect((await readNpyExamples(path)).values).toEqual(values);
      }),
      { numRuns: 30 },
    );
  });

  it('begins its values at a multiple of 64 bytes, and has as many as its shape says', () => {
    for (const shape of [[6], [2, 3], [1, 1, 6], [6, 1, 1, 1]]) {
      expect((encodeNpy(new Float32Array(6), shape)[0] as Uint8Array).length % 64).toBe(0);
    }
    expect(() => encodeNpy(new Float32Array(6), [7])).toThrow(/6 values do not fill \[7\]/);
  });

  it.skipIf(python === null)('is read by NumPy: types, shapes and values', async () => {
    const arrays = [
      [Float32Array.of(0.1, -2, 3e-30, 4, 5, 6), [2, 3]],
      [Uint8Array.of(0, 7, 255), [3]],
      [Uint16Array.of(1, 65_535), [2, 1]],
    ] as const;
    for (const [i, [values, shape]] of arrays.entries()) {
      await writeFile(join(folder, `array${i}.npy`), Buffer.concat(encodeNpy(values, shape)));
    }
    const program = `
import json, sys, numpy
arrays = [numpy.load(path) for path in sys.argv[1:]]
print(json.dumps([[a.dtype.str, bool(a.flags.c_contiguous), list(a.shape), a.ravel().tolist()] for a in arrays]))`;
    const paths = arrays.map((_, i) => join(folder, `array${i}.npy`));
    expect(runPython(python as string, program, ...paths)).toEqual([
      ['<f4', true, [2, 3], [...arrays[0][0]]],
      ['|u1', true, [3], [0, 7, 255]],
      ['<u2', true, [2, 1], [1, 65_535]],
    ]);
  });
});

describe('a CSV file', () => {
  it('is read back by our reader to the same float32 values', async () => {
    const path = join(folder, 'back.csv');
    await fc.assert(
      fc.asyncProperty(finite, async (values) => {
        await writeFile(path, Buffer.concat(encodeCsv(matrixColumns('x', values, 1), values.length)));
        const back = await readCsvExamples(path, { header: true, labelColumn: null, delimiter: ',' });
        expect(Float32Array.from(back.values, (value) => value + 0)).toEqual(Float32Array.from(values, (v) => v + 0));
      }),
      { numRuns: 30 },
    );
  });

  it('writes no more digits than a float32 has', () => {
    expect([0.1, 1 / 3, 1e-20, 42, -0.5].map((value) => float32Text(Math.fround(value)))).toEqual([
      '0.1',
      '0.33333334',
      '1e-20',
      '42',
      '-0.5',
    ]);
  });
});
