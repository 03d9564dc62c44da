import { expect, it } from 'vitest';
import { isWaiting } from '../src/run/is-over.js';
import { runSummary } from './runs.js';

it('a run waits when it was begun and is paused or in the queue again', () => {
  const waits = (...of: Parameters<typeof runSummary>) => isWaiting(runSummary(...of));
  expect([waits({ state: 'paused', startedAt: 1 }), waits({ state: 'queued', startedAt: 1 })]).toEqual([true, true]);
  expect(waits({ state: 'queued' })).toBe(false);
  for (const state of ['running', 'completed', 'interrupted', 'failed', 'cancelled'] as const) {
    expect(waits({ state, startedAt: 1 })).toBe(false);
  }
});
