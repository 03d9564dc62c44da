import { encode } from 'fast-png';
import type { ImageShape } from './image-grid.js';

const gap = 2;
const background = 250;
/** About this many pixels wide and high is an image. */
const tileSize = 56;

/** One image as a PNG, a pixel for each of its own. `image` is [height, width, channels] in [0, 1]. */
export function renderImage(image: Float32Array, shape: ImageShape): Uint8Array {
  return drawTiles(image, 1, shape, 1, 1);
}

/**
 * Images alone, close together, as a small PNG: grey where they are. `images` is [count, height, width, channels] in
 * [0, 1] (what lies outside is cut off), row by row.
 */
export function renderTiles(images: Float32Array, count: number, shape: ImageShape, columns: number): Uint8Array {
  const scale = Math.max(1, Math.floor(tileSize / Math.max(shape.height, shape.width)));
  return drawTiles(images, count, shape, columns, scale);
}

function drawTiles(
  images: Float32Array,
  count: number,
  { height, width, channels }: ImageShape,
  columns: number,
  scale: number,
): Uint8Array {
  const stride = { x: width * scale + gap, y: height * scale + gap };
  const page = { width: columns * stride.x - gap, height: Math.ceil(count / columns) * stride.y - gap };
  const pixels = new Uint8Array(page.width * page.height * channels).fill(background);
  for (let i = 0; i < count; i++) {
    const left = (i % columns) * stride.x;
    const top = Math.floor(i / columns) * stride.y;
    for (let y = 0; y < height * scale; y++) {
      for (let x = 0; x < width * scale; x++) {
        const from = ((i * height + Math.floor(y / scale)) * width + Math.floor(x / scale)) * channels;
        const to = ((top + y) * page.width + left + x) * channels;
        for (let c = 0; c < channels; c++) {
          pixels[to + c] = Math.round(255 * Math.min(1, Math.max(0, images[from + c] as number)));
        }
      }
    }
  }
  const picture = { ...page, data: pixels, channels, depth: 8 as const };
  return encode(picture, { zlib: { level: 6 } });
}
