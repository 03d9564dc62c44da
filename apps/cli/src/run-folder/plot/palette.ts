import type { Colour } from './canvas.js';

export const palette = {
  page: [250, 250, 248],
  plot: [255, 255, 255],
  grid: [232, 233, 236],
  axis: [140, 144, 152],
  ink: [32, 36, 44],
  muted: [92, 98, 108],
  /** The training split. */
  train: [59, 118, 196],
  /** The test split. */
  test: [214, 96, 40],
  validation: [74, 150, 92],
} as const satisfies Record<string, Colour>;
