import { UsageError } from '../errors.js';
import { matrixColumns } from '../formats/csv.js';
import { imageShapeOf } from '../run-folder/image-values.js';
import type { ImageShape } from '../run-folder/plot/image-grid.js';
import { shapeText } from './input-file.js';
import { chooseOutput, type Output, writeCsv, writeNpy } from './output.js';

/** How observations can be shown: as images, as points in the plane, or as numbers alone. */
export type Look =
  | { readonly kind: 'images'; readonly shape: ImageShape }
  | { readonly kind: 'plane' }
  | { readonly kind: 'numbers' };

export function lookOf(exampleShape: readonly number[]): Look {
  const shape = imageShapeOf(exampleShape);
  if (shape) return { kind: 'images', shape };
  return exampleShape.reduce((product, size) => product * size, 1) === 2 ? { kind: 'plane' } : { kind: 'numbers' };
}

/** A picture where one makes sense, else an array. @throws UsageError when a picture was asked for that makes none */
export async function chooseObservationOutput(
  out: string | undefined,
  stem: string,
  exampleShape: readonly number[],
): Promise<Output> {
  const { kind } = lookOf(exampleShape);
  const output = await chooseOutput(out, stem, kind === 'numbers' ? 'npy' : 'png', ['png', 'npy', 'csv']);
  if (output.format === 'png' && kind === 'numbers') {
    throw new UsageError(
      `--out: an example is ${shapeText(exampleShape)}, neither an image nor a point in the plane, and there is no ` +
        'picture of it; choose a file that ends in .npy or .csv',
    );
  }
  return output;
}

/** So many images, or points in the plane, a picture can still show. */
const mostShown = { images: 2500, plane: 20_000, numbers: 0 } as const;

/** @throws UsageError naming the flag when a picture would be too large */
export function requireShowable(flag: string, { format }: Output, { kind }: Look, count: number): void {
  if (format !== 'png' || count <= mostShown[kind]) return;
  const what = kind === 'images' ? 'images' : 'points';
  throw new UsageError(
    `${flag}: ${count} ${what} are too many for one picture, which holds ${mostShown[kind]}; ask for fewer, or choose ` +
      'a file that ends in .npy or .csv with --out',
  );
}

/** Observations [rows, ...exampleShape] as numbers; `leading` are the axes that the rows stand for, where several. */
export async function writeObservations(
  { path, format }: Output,
  content: string,
  values: Float32Array,
  exampleShape: readonly number[],
  rowNames: readonly { readonly name: string; at(row: number): number }[] = [],
  leading?: readonly number[],
) {
  const size = exampleShape.reduce((product, axis) => product * axis, 1);
  const rows = values.length / size;
  if (format === 'npy') return writeNpy(path, content, values, [...(leading ?? [rows]), ...exampleShape]);
  return writeCsv(path, content, [...rowNames, ...matrixColumns('x', values, size)], rows);
}
