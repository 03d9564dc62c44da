import { encode } from 'fast-png';

/** 0 to 255 each. */
export type Colour = readonly [red: number, green: number, blue: number];
export type Point = readonly [x: number, y: number];

/** Part of a canvas, in pixels; what is drawn into it stays inside. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A picture to draw on: 8-bit RGB, with anti-aliased lines and discs. (0, 0) is the corner at the top left. */
export class Canvas {
  readonly pixels: Uint8Array;

  constructor(
    readonly width: number,
    readonly height: number,
    background: Colour,
  ) {
    this.pixels = new Uint8Array(width * height * 3);
    this.fillBox({ x: 0, y: 0, width, height }, background);
  }

  toPng(): Uint8Array {
    return encode({ width: this.width, height: this.height, data: this.pixels, channels: 3, depth: 8 });
  }

  /** Fills whole pixels. */
  fillBox({ x, y, width, height }: Box, [red, green, blue]: Colour): void {
    const left = Math.max(0, x);
    const right = Math.min(this.width, x + width);
    for (let row = Math.max(0, y); row < Math.min(this.height, y + height); row++) {
      for (let at = (row * this.width + left) * 3; at < (row * this.width + right) * 3; at += 3) {
        this.pixels[at] = red;
        this.pixels[at + 1] = green;
        this.pixels[at + 2] = blue;
      }
    }
  }

  /** Mixes a pixel with a colour. `coverage` is from 0 to 1. */
  blend(x: number, y: number, colour: Colour, coverage: number): void {
    const at = (y * this.width + x) * 3;
    for (let c = 0; c < 3; c++) {
      const below = this.pixels[at + c] as number;
      this.pixels[at + c] = Math.round(below + ((colour[c] as number) - below) * coverage);
    }
  }

  /**
   * Draws a line through points. A pixel's coverage is its distance to the nearest segment, so that joints are not
   * painted twice and a translucent line has no dark knots.
   */
  strokeLine(points: readonly Point[], lineWidth: number, colour: Colour, opacity = 1, clip?: Box): void {
    const reach = lineWidth / 2 + 1;
    const area = this.clipped(boundsOf(points, reach), clip);
    if (!area) return;
    const coverage = new Float32Array(area.width * area.height);
    for (let i = 0; i + 1 < points.length; i++) {
      coverSegment(coverage, area, points[i] as Point, points[i + 1] as Point, lineWidth / 2);
    }
    this.paint(coverage, area, colour, opacity);
  }

  fillDisc(centre: Point, radius: number, colour: Colour, opacity = 1, clip?: Box): void {
    const area = this.clipped(boundsOf([centre], radius + 1), clip);
    if (!area) return;
    const coverage = new Float32Array(area.width * area.height);
    coverSegment(coverage, area, centre, centre, radius);
    this.paint(coverage, area, colour, opacity);
  }

  private paint(coverage: Float32Array, area: Box, colour: Colour, opacity: number): void {
    for (let row = 0; row < area.height; row++) {
      for (let column = 0; column < area.width; column++) {
        const covered = coverage[row * area.width + column] as number;
        if (covered > 0) this.blend(area.x + column, area.y + row, colour, covered * opacity);
      }
    }
  }

  private clipped(box: Box, clip: Box = { x: 0, y: 0, width: this.width, height: this.height }): Box | null {
    const x = Math.max(box.x, clip.x, 0);
    const y = Math.max(box.y, clip.y, 0);
    const width = Math.min(box.x + box.width, clip.x + clip.width, this.width) - x;
    const height = Math.min(box.y + box.height, clip.y + clip.height, this.height) - y;
    return width > 0 && height > 0 ? { x, y, width, height } : null;
  }
}

function boundsOf(points: readonly Point[], reach: number): Box {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of points) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  const x = Math.floor(left - reach);
  const y = Math.floor(top - reach);
  return { x, y, width: Math.ceil(right + reach) - x, height: Math.ceil(bottom + reach) - y };
}

/** Raises the coverage of each pixel near the segment from `a` to `b` to min(1, radius + 1/2 - distance). */
function coverSegment(coverage: Float32Array, area: Box, a: Point, b: Point, radius: number): void {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const lengthSquared = dx * dx + dy * dy;
  const near = boundsOf([a, b], radius + 1);
  const bottom = Math.min(area.y + area.height, near.y + near.height);
  const right = Math.min(area.x + area.width, near.x + near.width);
  for (let y = Math.max(area.y, near.y); y < bottom; y++) {
    for (let x = Math.max(area.x, near.x); x < right; x++) {
      const [px, py] = [x + 0.5 - a[0], y + 0.5 - a[1]];
      const along = lengthSquared === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / lengthSquared));
      const covered = Math.min(1, radius + 0.5 - Math.hypot(px - along * dx, py - along * dy));
      const at = (y - area.y) * area.width + (x - area.x);
      if (covered > (coverage[at] as number)) coverage[at] = covered;
    }
  }
}
