import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { curveData } from '../src/curves/curve-data.js';
import { logTicks } from '../src/curves/log-ticks.js';
import { rangeOf } from '../src/curves/robust-range.js';
import { smooth } from '../src/curves/smooth.js';
import { stack } from '../src/curves/stack.js';
import { thinEvenly } from '../src/curves/thin.js';
import { logStepTicks, stepIncrements, writeTicks } from '../src/curves/ticks.js';
import { newestWithin, valuesWithin } from '../src/curves/values-within.js';
import { count, short } from '../src/format/format.js';
import { epochEvent, stepMetrics } from './events.js';

describe('smooth', () => {
  it('changes nothing without weight', () => {
    expect(smooth([3, 1, null, 2], [1, 2, 3, 4], 0)).toEqual([3, 1, null, 2]);
  });

  it('starts at the first value, not at zero, and weighs the past', () => {
    const [first, second] = smooth([-500, -100], [1, 2], 0.9);
    expect(first).toBeCloseTo(-500, 9);
    // (0.9 * 0.1 * -500 + 0.1 * -100) / (0.9 * 0.1 + 0.1)
    expect(second).toBeCloseTo(-55 / 0.19, 9);
  });

  it('lags no more behind a line where points are few than where they are many', () => {
    const lagOf = (positions: number[]) => 400 - (smooth(positions, positions, 0.9).at(-1) as number);
    const dense = lagOf(Array.from({ length: 400 }, (_, i) => i + 1));
    const thinned = lagOf([...Array.from({ length: 200 }, (_, i) => i + 1), 220, 240, 260, 280, 300, 350, 400]);
    expect(dense).toBeCloseTo(9, 1);
    expect(thinned).toBeLessThanOrEqual(dense);
  });

  it('keeps a constant, whatever the weight and wherever values are missing', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean()), fc.double({ min: 0, max: 0.99, noNaN: true }), (known, weight) => {
        const values = known.map((is) => (is ? 7 : null));
        const positions = known.map((_, index) => 3 * index);
        for (const [index, value] of smooth(values, positions, weight).entries()) {
          if (known[index]) expect(value).toBeCloseTo(7, 6);
          else expect(value).toBeNull();
        }
      }),
    );
  });
});

describe('thinEvenly', () => {
  const rising = fc
    .uniqueArray(fc.nat(100_000), { minLength: 1, maxLength: 400 })
    .map((all) => all.sort((a, b) => a - b));

  it('keeps no more than the limit, the first and the last among them, in order', () => {
    fc.assert(
      fc.property(rising, fc.integer({ min: 2, max: 100 }), (positions, limit) => {
        const kept = thinEvenly(positions, limit);
        expect(kept.length).toBeLessThanOrEqual(limit);
        expect(kept[0]).toBe(0);
        expect(kept.at(-1)).toBe(positions.length - 1);
        expect([...new Set(kept)].sort((a, b) => a - b)).toEqual(kept);
      }),
    );
  });

  it('keeps all when they are few', () => {
    expect(thinEvenly([1, 5, 9], 3)).toEqual([0, 1, 2]);
  });

  it('leaves a part alone that is thin already', () => {
    // One in a hundred up to 1000, then each: the dense part loses, the thin part stays.
    const positions = [
      ...Array.from({ length: 10 }, (_, i) => i * 100),
      ...Array.from({ length: 100 }, (_, i) => 1000 + i),
    ];
    const kept = thinEvenly(positions, 14).map((index) => positions[index]);
    expect(kept.slice(0, 10)).toEqual(positions.slice(0, 10));
  });
});

describe('rangeOf', () => {
  it('leaves the first steps of a run out of the scale when outliers are not wanted', () => {
    const values = [-550, -300, ...Array.from({ length: 98 }, (_, i) => -120 + i / 10)];
    const [low] = rangeOf(values, true);
    expect(low).toBeGreaterThan(-125);
    expect(rangeOf(values, false)[0]).toBeLessThan(-550);
  });

  it('holds what is never an outlier', () => {
    const rising = Array.from({ length: 100 }, (_, i) => i - 500);
    expect(rangeOf(rising, true)[1]).toBeLessThan(-395);
    const [low, high] = rangeOf(rising, true, [-380]);
    expect(high).toBeGreaterThan(-380);
    expect(low).toBeGreaterThan(-505);
  });

  it('has a length for one value, for none, and for what is not finite', () => {
    for (const values of [[], [5, 5], [Number.NaN, null, undefined, 0]]) {
      const [low, high] = rangeOf(values, false);
      expect(high).toBeGreaterThan(low);
    }
  });
});

describe('valuesWithin', () => {
  it('gives the values of the series at the steps of a zoom, and at all steps without one', () => {
    const data: [number[], number[], (number | null)[]] = [
      [10, 20, 30, 40],
      [0, 0, 0, 0],
      [1, null, 3, 4],
    ];
    expect([...valuesWithin(null, data, [2])]).toEqual([1, null, 3, 4]);
    expect([...valuesWithin([15, 30], data, [2])]).toEqual([null, 3]);
    expect([...valuesWithin([30, 50], data, [2, 1])]).toEqual([3, 4, 0, 0]);
  });

  it('gives the newest number of each series, too', () => {
    const data: [number[], (number | null)[], null[]] = [
      [10, 20, 30],
      [1, 2, null],
      [null, null, null],
    ];
    expect(newestWithin(null, data, [1, 2])).toEqual([2]);
    expect(newestWithin([5, 15], data, [1])).toEqual([1]);
  });
});

describe('logTicks', () => {
  it('are round numbers within the scale, more of them the shorter it is', () => {
    expect(logTicks(15.46, 231)).toEqual([20, 50, 100, 200]);
    expect(logTicks(1, 4690)).toEqual([1, 10, 100, 1000]);
    expect(logTicks(0.0137, 28)).toEqual([0.1, 1, 10]);
    expect(logTicks(8.5, 17)).toEqual([10, 15]);
    expect(logTicks(50, 2e22)).toEqual([1e3, 1e6, 1e9, 1e12, 1e15, 1e18, 1e21]);
    expect(logTicks(1e-12, 1e3)).toEqual([1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 0.01, 1, 100]);
  });
});

describe('curveData', () => {
  const own = { steps: stepMetrics([1, 2, 3]), epochs: [epochEvent(1, 3), epochEvent(2, 6)] };

  it('puts steps and epochs of all runs into one table by rising step', () => {
    const other = { steps: stepMetrics([2, 4]), epochs: [epochEvent(1, 4)] };
    const data = curveData(own, [other], { term: 'elbo', smoothing: 0, positiveOnly: false });
    expect(data[0]).toEqual([1, 2, 3, 4, 6]);
    expect(data[1]).toEqual([-1, -2, -3, undefined, undefined]);
    expect(data[4]?.[2]).toBe(own.epochs[0]?.test?.elbo);
    expect(data[6]).toEqual([undefined, -2, undefined, -4, undefined]);
    expect(data).toHaveLength(1 + 5 + 2);
  });

  it('leaves out what a logarithmic scale cannot show', () => {
    const data = curveData(own, [], { term: 'elbo', smoothing: 0, positiveOnly: true });
    expect(data[1]?.slice(0, 3)).toEqual([null, null, null]);
  });
});

describe('stack', () => {
  it('puts each part on top of those before it', () => {
    expect(
      stack([
        [1, 2],
        [10, null],
        [100, 200],
      ]),
    ).toEqual([
      [1, 2],
      [11, 2],
      [111, 202],
    ]);
  });
});

describe('ticks of steps', () => {
  it('are at whole steps', () => {
    expect(stepIncrements.slice(0, 4)).toEqual([1, 2, 5, 10]);
    expect(stepIncrements.every(Number.isInteger)).toBe(true);
    expect(logStepTicks(1, 9)).toEqual([1, 2, 3, 4, 5, 7]);
  });

  it('are written in as few digits as tell them apart', () => {
    expect(writeTicks([12_000, 13_000], [short, count])).toEqual(['12k', '13k']);
    expect(writeTicks([12_340, 12_345], [short, count])).toEqual(['12,340', '12,345']);
    expect(writeTicks([1, null, 2], [short, count])).toEqual(['1', '', '2']);
  });
});
