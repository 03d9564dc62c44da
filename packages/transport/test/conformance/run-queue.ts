import { RunUnfinishedError } from '@elbo/transport/errors';
import { describe, expect, it } from 'vitest';
import { spec } from '../fixtures.js';
import { eventually } from '../recording-hooks.js';
import type { Stage } from './stage.js';

export function describeRunQueue(stage: Stage): void {
  describe('the queue of runs', () => {
    it('gives out runs one at a time, goes on after one that fails, and drains', async () => {
      const seen: string[] = [];
      let running = 0;
      const runs = stage.bed.conductor.conductRuns(async (run) => {
        expect(++running).toBe(1);
        seen.push(run.runId);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        if (run.runId === 'run-1') throw new Error('this one fails');
      });
      for (const id of ['run-1', 'run-2', 'run-3']) await stage.bed.conductor.submitRun({ runId: id, spec });
      await eventually('three runs', () => seen.length === 3);
      await runs.drain();
      await stage.bed.conductor.submitRun({ runId: 'run-4', spec });
      expect(seen).toEqual(['run-1', 'run-2', 'run-3']);
      const others = stage.bed.conductor.conductRuns(async (run) => void seen.push(run.runId));
      await eventually('the fourth run', () => seen.length === 4);
      await others.drain();
    });

    it('gives out again a run that its conductor gave back, and never one that failed or ended', async () => {
      const { conductor } = stage.bed;
      const seen: string[] = [];
      const runs = conductor.conductRuns(async ({ runId }) => {
        seen.push(runId);
        if (runId === 'given-back' && seen.length < 3) throw new RunUnfinishedError(runId, 'it was not its turn');
        if (runId === 'failing') throw new Error('this one fails');
      });
      await conductor.submitRun({ runId: 'given-back', spec });
      await eventually('three times', () => seen.length === 3);
      await conductor.submitRun({ runId: 'failing', spec });
      await conductor.submitRun({ runId: 'the-last', spec });
      await eventually('the last', () => seen.includes('the-last'));
      await runs.drain();
      expect(seen).toEqual(['given-back', 'given-back', 'given-back', 'failing', 'the-last']);
    });
  });
}
