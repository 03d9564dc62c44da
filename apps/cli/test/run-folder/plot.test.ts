import { toUnitRange } from '@elbo/cli/run-folder/image-values';
import { Canvas } from '@elbo/cli/run-folder/plot/canvas';
import { renderCurves } from '@elbo/cli/run-folder/plot/curves';
import { drawText, textWidth } from '@elbo/cli/run-folder/plot/font';
import { renderImageGrid, renderReconstructions } from '@elbo/cli/run-folder/plot/image-grid';
import { niceTicks, tickLabel } from '@elbo/cli/run-folder/plot/ticks';
import { StepHistory } from '@elbo/cli/run-folder/step-history';
import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { recordedRun } from '../recorded-run.js';

const white = [255, 255, 255] as const;
const black = [0, 0, 0] as const;
const shape = { height: 2, width: 2, channels: 1 };

describe('a canvas', () => {
  it('draws a line with its width in ink, wherever it lies between the pixels', () => {
    for (const y of [10, 10.25, 10.5, 10.9]) {
      const canvas = new Canvas(40, 20, white);
      canvas.strokeLine(
        [
          [5, y],
          [35, y],
        ],
        2,
        black,
      );
      const column = Array.from({ length: 20 }, (_, row) => 255 - (canvas.pixels[(row * 40 + 20) * 3] as number));
      expect(column.reduce((sum, ink) => sum + ink, 0) / 255).toBeCloseTo(2, 1);
    }
  });

  it('paints a joint of a translucent line once', () => {
    const canvas = new Canvas(40, 20, white);
    canvas.strokeLine(
      [
        [5, 10],
        [20, 10],
        [20, 10],
        [35, 10],
      ],
      4,
      black,
      0.5,
    );
    expect(Math.min(...canvas.pixels)).toBe(128);
  });

  it('draws nothing outside of a clip, or of itself', () => {
    const canvas = new Canvas(20, 20, white);
    canvas.strokeLine(
      [
        [-50, 5],
        [50, 5],
      ],
      3,
      black,
      1,
      { x: 0, y: 0, width: 10, height: 20 },
    );
    const inked = (x: number): boolean => canvas.pixels[(5 * 20 + x) * 3] !== 255;
    expect([inked(0), inked(9), inked(10), inked(19)]).toEqual([true, true, false, false]);
  });

  it('writes every letter that titles use, inside the width it tells', () => {
    for (const letter of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,:;-−+=/()[]%~_?') {
      const canvas = new Canvas(40, 40, white);
      drawText(canvas, letter, 10, 25, 12, black);
      const inked = Array.from({ length: 1600 }, (_, i) => i).filter((i) => (canvas.pixels[i * 3] as number) < 200);
      expect(inked.length, letter).toBeGreaterThan(1);
      const columns = inked.map((i) => i % 40);
      expect(Math.min(...columns), letter).toBeGreaterThanOrEqual(8);
      expect(Math.max(...columns), letter).toBeLessThanOrEqual(12 + textWidth(letter, 12));
    }
  });
});

describe('ticks', () => {
  it.each([
    [0, 10, 5, ['0', '2', '4', '6', '8', '10']],
    [-127, -103, 4, ['−125', '−120', '−115', '−110', '−105']],
    [-0.1, 0.1, 4, ['−0.10', '−0.05', '0.00', '0.05', '0.10']],
  ])('from %f to %f are round numbers', (low, high, wanted, labels) => {
    const ticks = niceTicks(low, high, wanted);
    expect(ticks.map((tick) => tickLabel(tick, (ticks[1] as number) - (ticks[0] as number)))).toEqual(labels);
  });

  it('of an empty range are one', () => {
    expect(niceTicks(3, 3, 5)).toEqual([3]);
  });
});

describe('a grid of images', () => {
  /** The grey of the middle of an image of a grid. */
  function greyAt(png: ReturnType<typeof decode>, column: number, row: number): number {
    const x = 24 + column * (84 + 4) + 60;
    const y = 24 + 30 + row * (84 + 4) + 60;
    return png.data[(y * png.width + x) * 3] as number;
  }
  const flat = (...greys: number[]) => Float32Array.from(greys.flatMap((grey) => [0, 0, 0, grey]));

  it('shows each image in its place, row by row, values cut to [0, 1]', () => {
    const png = decode(renderImageGrid(flat(0, 0.5, 1, 2, -1), 5, shape, 2, 't'));
    const seen = [greyAt(png, 0, 0), greyAt(png, 1, 0), greyAt(png, 0, 1), greyAt(png, 1, 1), greyAt(png, 0, 2)];
    expect(seen).toEqual([0, 128, 255, 255, 0]);
  });

  it('shows reconstructions under their originals', () => {
    const png = decode(renderReconstructions(flat(0.2, 0.4, 0.6), flat(0.3, 0.5, 0.7), 3, shape, 2, 't'));
    const rows = [0, 1, 2, 3].map((row) => greyAt(png, 0, row));
    expect(rows).toEqual([0.2, 0.3, 0.6, 0.7].map((grey) => Math.round(255 * Math.fround(grey))));
  });

  it('stretches values that are not in [0, 1] by the range of the data', () => {
    expect([...toUnitRange(Float32Array.of(-2, 0, 2), [-2, 2])]).toEqual([0, 0.5, 1]);
    expect([...toUnitRange(Float32Array.of(0.25), [0, 1])]).toEqual([0.25]);
  });
});

describe('curves', () => {
  it('can be drawn of nothing, of one step, of what is not finite', () => {
    const terms = { elbo: Number.NaN, reconstructionLogProb: Number.NEGATIVE_INFINITY, klDivergence: 3 };
    for (const steps of [[], [{ epoch: 0.1, ...terms }]]) {
      expect(decode(renderCurves({ title: 'x', steps, epochs: [] })).width).toBe(1200);
    }
  });

  it('remember a run of any length in few points, its epochs in order', () => {
    const history = new StepHistory();
    for (const event of recordedRun) if (event.event === 'step') history.add(event, 50);
    expect(history.points).toHaveLength(100);
    const [, , step] = recordedRun;
    for (let i = 1; i <= 20_000; i++) if (step?.event === 'step') history.add({ ...step, step: 100 + i }, 50);
    expect(history.points.length).toBeLessThan(512);
    expect(history.points.at(-1)?.epoch).toBeGreaterThan(390);
    expect(history.points.every((point, i) => i === 0 || point.epoch > (history.points[i - 1]?.epoch ?? 0))).toBe(true);
  });
});
