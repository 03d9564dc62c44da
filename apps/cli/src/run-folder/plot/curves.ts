import type { ElboTerms, EpochEvent } from '@elbo/protocol/events';
import { Canvas, type Point } from './canvas.js';
import { drawText } from './font.js';
import { palette } from './palette.js';
import { drawPanel, type Series } from './panel.js';
import { niceTicks } from './ticks.js';

/** What the curves are drawn from. */
export interface CurveData {
  readonly title: string;
  /** Epochs done, fractions included, and the terms of the batches around there. */
  readonly steps: readonly ({ readonly epoch: number } & ElboTerms)[];
  readonly epochs: readonly EpochEvent[];
}

type Term = keyof ElboTerms;

/** curves.png: ELBO over epochs, and below it its two terms, KL and reconstruction. */
export function renderCurves(data: CurveData): Uint8Array {
  const canvas = new Canvas(1200, 900, palette.page);
  drawText(canvas, data.title, 28, 44, 17, palette.ink, 0.15);
  const top = { x: 20, y: 64, width: 1160, height: 440 };
  const left = { x: 20, y: 514, width: 575, height: 370 };
  const right = { ...left, x: 605 };
  drawTerm(canvas, top, data, 'elbo', 'ELBO (nats for each example)');
  drawTerm(canvas, left, data, 'klDivergence', 'KL divergence (nats)');
  drawTerm(canvas, right, data, 'reconstructionLogProb', 'Reconstruction (nats)');
  return canvas.toPng();
}

function drawTerm(
  canvas: Canvas,
  box: { x: number; y: number; width: number; height: number },
  data: CurveData,
  term: Term,
  title: string,
): void {
  const steps = data.steps.map((step): Point => [step.epoch, step[term]]).filter(isFinitePoint);
  const series: Series[] = [
    { label: '', colour: palette.train, points: steps, lineWidth: 1.4, opacity: 0.4 },
    {
      label: 'train',
      colour: palette.train,
      points: epochPoints(data.epochs, 'train', term),
      markers: true,
    },
  ];
  for (const split of ['validation', 'test'] as const) {
    const points = epochPoints(data.epochs, split, term);
    if (points.length > 0) series.push({ label: split, colour: palette[split], points, markers: true });
  }
  const last = Math.max(1, ...data.epochs.map((each) => each.epoch), ...steps.map(([x]) => Math.ceil(x)));
  drawPanel(canvas, box, {
    title,
    xLabel: 'epoch',
    series,
    xRange: [0, last * 1.012],
    xTicks: niceTicks(0, last, Math.min(last, box.width / 90)).filter(Number.isInteger),
    yRange: rangeOf(
      steps,
      series.slice(1).flatMap((each) => each.points),
    ),
  });
}

function epochPoints(epochs: readonly EpochEvent[], split: 'train' | 'validation' | 'test', term: Term): Point[] {
  return epochs
    .flatMap((event): Point[] => {
      const terms = event[split];
      // The train terms are means over the epoch, so they belong to its middle; the others are taken at its end.
      return terms ? [[split === 'train' ? event.epoch - 0.5 : event.epoch, terms[term]]] : [];
    })
    .filter(isFinitePoint);
}

/**
 * Holds every epoch's point, and of the steps all but the outermost twelfth on either side: the first steps lie
 * hundreds of nats away, and would press the rest of the curve flat.
 */
function rangeOf(steps: readonly Point[], epochs: readonly Point[]): [number, number] {
  const sorted = steps.map(([, y]) => y).sort((a, b) => a - b);
  const cut = Math.floor(sorted.length / 12);
  const values = [...sorted.slice(cut, sorted.length - cut), ...epochs.map(([, y]) => y)];
  if (values.length === 0) return [0, 1];
  const low = Math.min(...values);
  const high = Math.max(...values);
  const margin = (high - low) * 0.06 || Math.abs(high) * 0.05 || 1;
  return [low - margin, high + margin];
}

function isFinitePoint([x, y]: Point): boolean {
  return Number.isFinite(x) && Number.isFinite(y);
}
