import type { RunEvent } from '@elbo/protocol/events';
import { describe, expect, it } from 'vitest';
import { mostKeptEvents, remember } from '../src/run/kept-events.js';
import { epochEvent } from './events.js';

const warning: RunEvent = { event: 'notice', runId: 'run-1', time: 0, level: 'warning', code: 'odd', message: 'look' };

describe('the events of a run that are kept', () => {
  const epochs = Array.from({ length: 2 * mostKeptEvents }, (_, index) => epochEvent(index + 1, 10 * (index + 1)));

  it('are the newest, and every warning however old', () => {
    const kept = [warning, ...epochs].reduce<readonly RunEvent[]>(remember, []);
    expect(kept).toEqual([warning, ...epochs.slice(1 - mostKeptEvents)]);
  });

  it('are no more than so many, whatever they are', () => {
    const warnings = epochs.map(({ time }) => ({ ...warning, time }));
    expect(warnings.reduce<readonly RunEvent[]>(remember, [])).toEqual(warnings.slice(-mostKeptEvents));
  });

  it('are there once when they come again', () => {
    expect([warning, warning].reduce<readonly RunEvent[]>(remember, [])).toEqual([warning]);
  });
});
