import { Canvas } from './canvas.js';
import { drawText, textWidth } from './font.js';
import { palette } from './palette.js';

const gap = 4;
const margin = 24;
const titleHeight = 38;
const titleSize = 13;

export interface ImageShape {
  readonly height: number;
  readonly width: number;
  /** 1: grey; 3: red, green and blue. */
  readonly channels: number;
}

/**
 * A grid of images as PNG, row by row. `images` is [count, height, width, channels] in [0, 1] (what lies outside is
 * cut off); each pixel becomes a square, so that nothing is shown that the model did not say.
 */
export function renderImageGrid(
  images: Float32Array,
  count: number,
  { height, width, channels }: ImageShape,
  columns: number,
  title: string,
): Uint8Array {
  const rows = Math.ceil(count / columns);
  const scale = Math.max(1, Math.floor(84 / Math.max(height, width)));
  const cell = { width: width * scale, height: height * scale };
  const gridWidth = columns * (cell.width + gap) - gap;
  const pageWidth = Math.max(gridWidth, Math.ceil(textWidth(title, titleSize))) + 2 * margin;
  const canvas = new Canvas(pageWidth, titleHeight + rows * (cell.height + gap) - gap + 2 * margin, palette.page);
  drawText(canvas, title, margin, margin + titleSize, titleSize, palette.ink, 0.14);
  for (let i = 0; i < count; i++) {
    const x = margin + (i % columns) * (cell.width + gap);
    const y = margin + titleHeight - 8 + Math.floor(i / columns) * (cell.height + gap);
    const size = height * width * channels;
    drawImage(canvas, images.subarray(i * size, (i + 1) * size), { height, width, channels }, scale, x, y);
  }
  return canvas.toPng();
}

/**
 * Originals over their reconstructions, pair of rows by pair of rows. Both are [count, height, width, channels].
 */
export function renderReconstructions(
  originals: Float32Array,
  reconstructions: Float32Array,
  count: number,
  shape: ImageShape,
  columns: number,
  title: string,
): Uint8Array {
  const { images, places } = interleaveRows(originals, reconstructions, count, shape, columns);
  return renderImageGrid(images, places, shape, columns, title);
}

/** A row of originals, a row of their reconstructions, and so on; black where the last rows have no more. */
export function interleaveRows(
  originals: Float32Array,
  reconstructions: Float32Array,
  count: number,
  { height, width, channels }: ImageShape,
  columns: number,
): { images: Float32Array; places: number } {
  const size = height * width * channels;
  const places = 2 * Math.ceil(count / columns) * columns;
  const images = new Float32Array(places * size);
  for (let i = 0; i < count; i++) {
    const at = 2 * Math.floor(i / columns) * columns + (i % columns);
    images.set(originals.subarray(i * size, (i + 1) * size), at * size);
    images.set(reconstructions.subarray(i * size, (i + 1) * size), (at + columns) * size);
  }
  return { images, places };
}

function drawImage(
  canvas: Canvas,
  image: Float32Array,
  { width, channels }: ImageShape,
  scale: number,
  left: number,
  top: number,
): void {
  const level = (at: number): number => Math.round(255 * Math.min(1, Math.max(0, image[at] as number)));
  for (let i = 0; i * channels < image.length; i++) {
    const at = i * channels;
    const x = left + (i % width) * scale;
    const y = top + Math.floor(i / width) * scale;
    const colour = channels === 3 ? [level(at), level(at + 1), level(at + 2)] : [level(at), level(at), level(at)];
    canvas.fillBox({ x, y, width: scale, height: scale }, colour as [number, number, number]);
  }
}
