import { describe, expect, it } from 'vitest';
import { LatestWins } from '../src/api/latest-wins.js';
import { PlaneView } from '../src/latent/plane-view.js';

describe('the view of the plane', () => {
  const plane = { x: [-3, 1, 5], y: [-1, 0, 1] };
  const view = new PlaneView(plane, 400);

  it('holds all points, upright, with one scale on both axes', () => {
    const at = plane.x.map((x, index) => view.toCanvas({ x, y: plane.y[index] as number }));
    for (const { x, y } of at) expect(Math.min(x, y, 400 - x, 400 - y)).toBeGreaterThanOrEqual(0);
    expect(at[2]?.y).toBeLessThan(at[0]?.y as number);
    expect(((at[2]?.x as number) - (at[0]?.x as number)) / 8).toBeCloseTo(
      ((at[0]?.y as number) - (at[2]?.y as number)) / 2,
      9,
    );
  });

  it('goes to the canvas and back', () => {
    const back = view.toPlane(view.toCanvas({ x: 2.5, y: -0.75 }));
    expect(back.x).toBeCloseTo(2.5, 9);
    expect(back.y).toBeCloseTo(-0.75, 9);
  });

  it('finds the nearest point, and none where none is near', () => {
    const { x, y } = view.toCanvas({ x: 1, y: 0 });
    expect(view.nearest(plane, { x: x + 3, y: y - 3 }, 12)).toBe(1);
    expect(view.nearest(plane, { x: x + 30, y }, 12)).toBeNull();
  });

  it('moves a point no farther than its edge', () => {
    const far = view.moved({ x: 0, y: 0 }, 100, -100);
    const { x, y } = view.toCanvas(far);
    expect([x, y]).toEqual([expect.closeTo(400, 6), expect.closeTo(400, 6)]);
  });

  it('has a size around one point and around none', () => {
    for (const few of [
      { x: [2], y: [3] },
      { x: [], y: [] },
    ]) {
      expect(Number.isFinite(new PlaneView(few, 100).toCanvas({ x: 2, y: 3 }).x)).toBe(true);
    }
  });
});

describe('the latest wins', () => {
  it('does one at a time, and of what is asked meanwhile only the last', async () => {
    const finish: (() => void)[] = [];
    const begun: number[] = [];
    const done: number[] = [];
    const decoder = new LatestWins<number, number>(
      (wanted) => {
        begun.push(wanted);
        return new Promise((resolve) => finish.push(() => resolve(wanted)));
      },
      (result) => done.push(result),
      (error) => {
        throw error;
      },
    );
    for (const wanted of [1, 2, 3, 4]) decoder.ask(wanted);
    expect(begun).toEqual([1]);
    finish[0]?.();
    await expect.poll(() => begun).toEqual([1, 4]);
    expect(done).toEqual([1]);
    finish[1]?.();
    await expect.poll(() => done).toEqual([1, 4]);
  });

  it('goes on after an error, and says nothing once it is stopped', async () => {
    const seen: unknown[] = [];
    const signals: AbortSignal[] = [];
    const decoder = new LatestWins<string, string>(
      async (wanted, signal) => {
        signals.push(signal);
        if (wanted === 'bad') throw new Error('refused');
        return wanted;
      },
      (result) => seen.push(result),
      (error) => seen.push((error as Error).message),
    );
    decoder.ask('bad');
    await expect.poll(() => seen).toEqual(['refused']);
    decoder.ask('good');
    await expect.poll(() => seen).toEqual(['refused', 'good']);
    decoder.ask('late');
    decoder.stop();
    await expect.poll(() => signals.every((signal) => signal.aborted)).toBe(true);
    expect(seen).toEqual(['refused', 'good']);
  });
});
