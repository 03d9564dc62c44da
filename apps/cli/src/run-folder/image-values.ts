import type { ImageShape } from './plot/image-grid.js';

/** [h, w], [h, w, 1] and [h, w, 3] are images; everything else is not. */
export function imageShapeOf(exampleShape: readonly number[]): ImageShape | null {
  const [height = 0, width = 0, channels = 1] = exampleShape;
  if (exampleShape.length < 2 || exampleShape.length > 3 || (channels !== 1 && channels !== 3)) return null;
  return { height, width, channels };
}

/** Values in [0, 1] as they are; others stretched so that the data's range becomes [0, 1]. */
export function toUnitRange(values: Float32Array, [low, high]: readonly [number, number]): Float32Array {
  if ((low >= 0 && high <= 1) || high <= low) return values;
  return values.map((value) => (value - low) / (high - low));
}
