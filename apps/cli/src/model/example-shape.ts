import { describeDataset } from '@elbo/datasets/catalog';
import { DatasetError } from '@elbo/datasets/errors';
import type { ElementType } from '@elbo/datasets/packed/header';
import { readPackedHeader } from '@elbo/datasets/packed/open';
import type { OpenedModel } from './open-model.js';

/** What an example of the model's data set looks like. */
export interface ExampleForm {
  readonly exampleShape: readonly number[];
  /** Smallest and largest value; [0, 1] where that is not known. */
  readonly valueRange: readonly [number, number];
  /** A value is the stored one times this; null where that is not known. */
  readonly scale: number | null;
  readonly elementType: ElementType | null;
}

/**
 * Reads it from the header of the packed data set, without its data. A model can be used on a machine that does not
 * have its data set: an example is then a plain list of numbers.
 */
export async function exampleForm({ spec, model }: OpenedModel): Promise<ExampleForm> {
  const plain = { exampleShape: [model.dataDim], valueRange: [0, 1], scale: null, elementType: null } as const;
  try {
    const { path, exampleShape, elementType } = await describeDataset(spec.dataset.name);
    if (exampleShape.reduce((product, size) => product * size, 1) !== model.dataDim) return plain;
    if (path === null) return { ...plain, exampleShape, elementType };
    const { header } = await readPackedHeader(path);
    return { exampleShape, valueRange: header.valueRange, scale: header.scale, elementType };
  } catch (error) {
    if (error instanceof DatasetError) return plain;
    throw error;
  }
}
