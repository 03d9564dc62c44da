import { Canvas, type Point } from './canvas.js';
import { palette } from './palette.js';
import { drawPanel, type Series } from './panel.js';

export interface PointCloud {
  readonly label: string;
  /** [count, 2] */
  readonly points: Float32Array;
}

/**
 * Two clouds of points in the plane, the second over the first, on axes of one scale: one that shows both, or with
 * `fixed` one that follows from the first alone, so that pictures with other second clouds can be compared.
 */
export function renderScatter(under: PointCloud, over: PointCloud, title: string, fixed = false): Uint8Array {
  const canvas = new Canvas(900, 900, palette.page);
  const clouds: Series[] = [
    { label: under.label, colour: palette.train, points: toPoints(under.points), scatter: true, opacity: 0.45 },
    { label: over.label, colour: palette.test, points: toPoints(over.points), scatter: true, opacity: 0.55 },
  ];
  const shown = fixed ? clouds.slice(0, 1) : clouds;
  const farthest = shown.flatMap(({ points }) => points.flatMap(([x, y]) => [Math.abs(x), Math.abs(y)]));
  const half = (fixed ? 1.3 : 1.08) * Math.max(1e-6, ...farthest);
  drawPanel(
    canvas,
    { x: 20, y: 10, width: 860, height: 880 },
    { title, xLabel: 'first dimension', series: clouds, xRange: [-half, half], yRange: [-half, half] },
  );
  return canvas.toPng();
}

function toPoints(values: Float32Array): Point[] {
  const points: Point[] = [];
  for (let i = 0; i + 1 < values.length; i += 2) points.push([values[i] as number, values[i + 1] as number]);
  return points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
}
