import type { RunEvent } from '@elbo/protocol/events';
import { expect, it } from 'vitest';
import { waitingForWorker } from '../src/run/no-workers.js';
import { epochEvent } from './events.js';

const notice = (code: string): RunEvent => {
  return { event: 'notice', runId: 'run-1', time: 0, level: 'warning', code, message: `it is ${code}` };
};

it('a run waits for a worker from the word that it has none until one comes or it goes on', () => {
  const none = notice('no-workers');
  expect(waitingForWorker([])).toBe(null);
  expect(waitingForWorker([epochEvent(1, 10), none, notice('redis-slow')])).toBe('it is no-workers');
  expect(waitingForWorker([none, notice('worker-joined')])).toBe(null);
  expect(waitingForWorker([none, epochEvent(1, 10)])).toBe(null);
});
