import type { LatentPlane } from '@elbo/protocol/cluster';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Between the plane and a square canvas: y of the plane goes up, of the canvas down. */
export class PlaneView {
  readonly #centre: Point;
  readonly #half: number;

  /** Around all points, with a margin, the same scale on both axes. */
  constructor(
    { x, y }: Pick<LatentPlane, 'x' | 'y'>,
    readonly size: number,
  ) {
    const [left, right] = extent(x);
    const [bottom, top] = extent(y);
    this.#centre = { x: (left + right) / 2, y: (bottom + top) / 2 };
    this.#half = 0.54 * Math.max(right - left, top - bottom, 1e-6);
  }

  toCanvas({ x, y }: Point): Point {
    const scale = this.size / (2 * this.#half);
    return {
      x: this.size / 2 + (x - this.#centre.x) * scale,
      y: this.size / 2 - (y - this.#centre.y) * scale,
    };
  }

  toPlane({ x, y }: Point): Point {
    const scale = (2 * this.#half) / this.size;
    return { x: this.#centre.x + (x - this.size / 2) * scale, y: this.#centre.y - (y - this.size / 2) * scale };
  }

  /** The point moved by a share of the plane's width, kept within it. */
  moved({ x, y }: Point, right: number, up: number): Point {
    const within = (value: number, centre: number) =>
      Math.max(centre - this.#half, Math.min(centre + this.#half, value));
    return {
      x: within(x + right * 2 * this.#half, this.#centre.x),
      y: within(y + up * 2 * this.#half, this.#centre.y),
    };
  }

  get centre(): Point {
    return this.#centre;
  }

  /** Index of the point nearest to a place of the canvas, no farther than so many pixels; null when there is none. */
  nearest({ x, y }: Pick<LatentPlane, 'x' | 'y'>, at: Point, within: number): number | null {
    let best: number | null = null;
    let distance = within * within;
    for (const [index, planeX] of x.entries()) {
      const point = this.toCanvas({ x: planeX, y: y[index] as number });
      const d = (point.x - at.x) ** 2 + (point.y - at.y) ** 2;
      if (d > distance) continue;
      distance = d;
      best = index;
    }
    return best;
  }
}

function extent(values: readonly number[]): [number, number] {
  if (values.length === 0) return [-1, 1];
  return values.reduce<[number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
}
