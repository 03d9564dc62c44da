import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SafetensorsError } from '@elbo/cli/errors';
import { parametersSha256, readModelFile, writeModelFile } from '@elbo/cli/run-folder/model-file';
import { readSafetensors, writeSafetensors } from '@elbo/cli/run-folder/safetensors';
import { runSpecSchema } from '@elbo/protocol/run-spec';
import { createModel } from '@elbo/vae-core/models/model';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

/** A file with the header as given, and `dataBytes` bytes of tensors. */
function fileOf(header: string | object, dataBytes: number): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(dataBytes)]);
}
const tensor = (shape: number[], begin: number, end: number, dtype = 'F32') => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe('safetensors', () => {
  it('gives back the names, shapes, bits and metadata that were written', () => {
    const names = fc.uniqueArray(
      fc.string().filter((name) => name !== '__metadata__' && name !== '__proto__'),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(
        names,
        fc.dictionary(fc.string(), fc.string()),
        fc.infiniteStream(fc.float()),
        (keys, metadata, floats) => {
          const tensors = keys.map((name, i) => {
            const shape = [i, i + 1];
            return { name, shape, data: Float32Array.from({ length: i * (i + 1) }, () => floats.next().value) };
          });
          const { ['__proto__']: _, ...plain } = metadata;
          const read = readSafetensors(writeSafetensors({ tensors, metadata: plain }));
          expect(read.metadata).toEqual(plain);
          const byName = (list: typeof tensors) => new Map(list.map((each) => [each.name, each]));
          expect(byName(read.tensors as typeof tensors)).toEqual(byName(tensors));
        },
      ),
    );
  });

  it('puts the tensors at a multiple of eight bytes', () => {
    for (const name of ['a', 'ab', 'abc']) {
      const file = Buffer.from(
        writeSafetensors({ tensors: [{ name, shape: [1], data: Float32Array.of(1) }], metadata: {} }),
      );
      expect(Number(file.readBigUInt64LE(0)) % 8).toBe(0);
    }
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['an empty file', new Uint8Array(0), /0 bytes/],
    ['a header cut off', fileOf({}, 0).subarray(0, 9), /cut off/],
    ['a header longer than any', Buffer.from('ffffffffffffff7f', 'hex'), /too long/],
    ['a header that is not JSON', fileOf('{"a":', 0), /not JSON/],
    ['a header that is a list', fileOf('[]', 0), /not a JSON object/],
    ['a header that begins with a space', fileOf(' {}', 0), /not a JSON object/],
    ['an end before the begin', fileOf({ a: tensor([0], 4, 0) }, 4), /out of range/],
    ['an offset past the end', fileOf({ a: tensor([2], 0, 8) }, 4), /out of range/],
    ['a negative offset', fileOf({ a: tensor([1], -4, 0) }, 4), /data_offsets/],
    ['a fractional offset', fileOf({ a: tensor([1], 0.5, 4.5) }, 8), /data_offsets/],
    ['tensors that overlap', fileOf({ a: tensor([2], 0, 8), b: tensor([1], 4, 8) }, 8), /b overlaps/],
    ['two tensors in one place', fileOf({ a: tensor([1], 0, 4), b: tensor([1], 0, 4) }, 4), /overlaps/],
    ['a gap', fileOf({ a: tensor([1], 0, 4), b: tensor([1], 8, 12) }, 12), /gap of 4 bytes before tensor b/],
    ['bytes that belong to nothing', fileOf({ a: tensor([1], 0, 4) }, 12), /end at byte 4 of the data, which has 12/],
    ['a shape of another size', fileOf({ a: tensor([3], 0, 8) }, 8), /not those of shape \[3\]/],
    [
      'a shape whose product overflows',
      fileOf({ a: tensor([2 ** 32, 2 ** 32, 0], 0, 0) }, 0),
      /more elements than can be counted/,
    ],
    ['a shape whose product wraps to the right size', fileOf({ a: tensor([2 ** 52, 4096], 0, 0) }, 0), /more elements/],
    ['a negative size', fileOf({ a: tensor([-1, -1], 0, 4) }, 4), /valid shape/],
    ['another type', fileOf({ a: tensor([2], 0, 4, 'F16') }, 4), /F16/],
    [
      'a key twice',
      fileOf(
        '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\\u0061":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
        8,
      ),
      /"a" twice/,
    ],
    [
      'a key of an entry twice',
      fileOf('{"a":{"dtype":"F32","shape":[9],"shape":[1],"data_offsets":[0,4]}}', 4),
      /"shape" twice/,
    ],
    ['metadata that is not text', fileOf({ __metadata__: { step: 3 } }, 0), /step is not text/],
    ['an entry that is no object', fileOf({ a: 3 }, 0), /not an object/],
  ])('refuses %s', (_name, file, message) => {
    expect(() => readSafetensors(file)).toThrow(SafetensorsError);
    expect(() => readSafetensors(file)).toThrow(message);
  });

  it('either reads a damaged file or says what is wrong with it', () => {
    const whole = writeSafetensors({
      tensors: [{ name: 'w', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
      metadata: { format: 'x' },
    });
    const damage = fc.tuple(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length));
    fc.assert(
      fc.property(damage, ([at, byte, length]) => {
        const file = whole.slice(0, length || whole.length);
        file[at % file.length] = byte;
        try {
          readSafetensors(file);
        } catch (error) {
          expect(error).toBeInstanceOf(SafetensorsError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('model.safetensors', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'elbo-model-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const spec = runSpecSchema.parse({ dataset: { name: 'mnist' }, model: { latentDim: 2, encoder: { hidden: [3] } } });
  const { layout } = createModel(spec.model, 5);
  const parameters = Float32Array.from({ length: layout.length }, (_, i) => Math.sin(i));

  it('gives back parameters, layout, spec and step', async () => {
    const path = join(folder, 'model.safetensors');
    await writeModelFile(path, { spec, layout, parameters, step: 42 });
    expect(await readModelFile(path)).toEqual({ spec, layout, parameters, step: 42 });
    const { tensors, metadata } = readSafetensors(await readFile(path));
    expect(tensors.map((each) => each.name)).toEqual(layout.entries.map((entry) => entry.name));
    expect(metadata.parametersSha256).toBe(parametersSha256(parameters));
  });

  it('that was changed is refused', async () => {
    const path = join(folder, 'model.safetensors');
    await writeModelFile(path, { spec, layout, parameters, step: 42 });
    const file = await readFile(path);
    file[file.length - 2] = (file[file.length - 2] as number) ^ 1;
    await writeFile(path, file);
    await expect(readModelFile(path)).rejects.toThrow(/has changed/);
  });

  it.each([0, 5, 100])('that was cut off at byte %i is refused by its name', async (end) => {
    const path = join(folder, 'model.safetensors');
    await writeModelFile(path, { spec, layout, parameters, step: 42 });
    await truncate(path, end);
    const reading = readModelFile(path);
    await expect(reading).rejects.toThrow(SafetensorsError);
    await expect(reading).rejects.toThrow(`${path} does not hold (`);
  });

  it('of another program is refused', async () => {
    const path = join(folder, 'other.safetensors');
    await writeFile(path, writeSafetensors({ tensors: [], metadata: { format: 'pt' } }));
    await expect(readModelFile(path)).rejects.toThrow(/its format is pt/);
  });
});
