import type { Box, Canvas, Colour, Point } from './canvas.js';
import { drawText, textWidth } from './font.js';
import { palette } from './palette.js';
import { niceTicks, tickLabel } from './ticks.js';

export interface Series {
  readonly label: string;
  readonly colour: Colour;
  readonly points: readonly Point[];
  /** Pixels. */
  readonly lineWidth?: number;
  readonly opacity?: number;
  /** Discs at the points. */
  readonly markers?: boolean;
  /** Discs alone, no line. */
  readonly scatter?: boolean;
}

export interface Panel {
  readonly title: string;
  readonly xLabel: string;
  readonly series: readonly Series[];
  readonly xRange: readonly [number, number];
  readonly yRange: readonly [number, number];
  readonly xTicks?: readonly number[];
}

const labelSize = 11;

/** Draws axes, ticks, a legend and the series into a box. */
export function drawPanel(canvas: Canvas, box: Box, panel: Panel): void {
  const yTicks = niceTicks(panel.yRange[0], panel.yRange[1], Math.max(3, box.height / 70));
  const yStep = (yTicks[1] ?? 1) - (yTicks[0] ?? 0);
  const yLabels = yTicks.map((tick) => tickLabel(tick, yStep || 1));
  const left = Math.ceil(Math.max(...yLabels.map((label) => textWidth(label, labelSize)), 20)) + 14;
  const plot: Box = { x: box.x + left, y: box.y + 44, width: box.width - left - 8, height: box.height - 92 };
  const toX = (x: number): number =>
    plot.x + ((x - panel.xRange[0]) / (panel.xRange[1] - panel.xRange[0])) * plot.width;
  const toY = (y: number): number =>
    plot.y + plot.height - ((y - panel.yRange[0]) / (panel.yRange[1] - panel.yRange[0])) * plot.height;

  canvas.fillBox(plot, palette.plot);
  drawText(canvas, panel.title, plot.x, box.y + 26, 14, palette.ink, 0.15);
  drawLegend(canvas, panel.series, plot.x + plot.width, box.y + 26);

  yTicks.forEach((tick, i) => {
    const y = Math.round(toY(tick));
    canvas.fillBox({ x: plot.x, y, width: plot.width, height: 1 }, palette.grid);
    const label = yLabels[i] as string;
    drawText(canvas, label, plot.x - 10 - textWidth(label, labelSize), y + labelSize / 2, labelSize, palette.muted);
  });
  const xTicks = panel.xTicks ?? niceTicks(panel.xRange[0], panel.xRange[1], Math.max(3, plot.width / 110));
  const xStep = (xTicks[1] ?? 1) - (xTicks[0] ?? 0);
  for (const tick of xTicks) {
    const x = Math.round(toX(tick));
    canvas.fillBox({ x, y: plot.y + plot.height, width: 1, height: 5 }, palette.axis);
    const label = tickLabel(tick, xStep || 1);
    drawText(canvas, label, x - textWidth(label, labelSize) / 2, plot.y + plot.height + 21, labelSize, palette.muted);
  }
  canvas.fillBox({ x: plot.x, y: plot.y + plot.height, width: plot.width, height: 1 }, palette.axis);
  const xMiddle = plot.x + plot.width / 2 - textWidth(panel.xLabel, labelSize) / 2;
  drawText(canvas, panel.xLabel, xMiddle, plot.y + plot.height + 42, labelSize, palette.muted);

  for (const series of panel.series) drawSeries(canvas, series, plot, toX, toY);
}

function drawSeries(
  canvas: Canvas,
  { points, colour, lineWidth = 2.4, opacity = 1, markers = false, scatter = false }: Series,
  plot: Box,
  toX: (x: number) => number,
  toY: (y: number) => number,
): void {
  const placed = points.map(([x, y]): Point => [toX(x), toY(y)]);
  // A disc on the frame is drawn whole.
  const margin = { x: plot.x - 5, y: plot.y - 5, width: plot.width + 10, height: plot.height + 10 };
  if (!scatter) canvas.strokeLine(placed, lineWidth, colour, opacity, plot);
  if (!markers && !scatter) return;
  for (const point of placed) {
    if (!scatter) canvas.fillDisc(point, 4.6, palette.plot, 1, margin);
    canvas.fillDisc(point, scatter ? 2.2 : 3.4, colour, opacity, margin);
  }
}

function drawLegend(canvas: Canvas, series: readonly Series[], right: number, baseline: number): void {
  let x = right;
  for (const { label, colour, lineWidth = 2.4, opacity = 1, scatter } of series.toReversed()) {
    if (!label) continue;
    x -= textWidth(label, labelSize);
    drawText(canvas, label, x, baseline, labelSize, palette.muted);
    x -= 30;
    const y = baseline - labelSize / 2;
    if (scatter) canvas.fillDisc([x + 11, y], 3.4, colour);
    else
      canvas.strokeLine(
        [
          [x, y],
          [x + 22, y],
        ],
        lineWidth,
        colour,
        opacity,
      );
    x -= 20;
  }
}
