import type { ScheduleSpec, TrainingSpec } from '@elbo/protocol/run-spec';
import { integerPower } from '../optimizers/integer-power.js';

/**
 * The learning rate of the update after step `step` (0-based) of a run of `totalSteps`: `learningRate` times the
 * schedule's factor times the warm-up's, (step + 1) / warmupSteps until that is 1.
 */
export function learningRateAt(
  training: Pick<TrainingSpec, 'learningRate' | 'warmupSteps' | 'schedule'>,
  totalSteps: number,
  step: number,
): number {
  const { learningRate, warmupSteps, schedule } = training;
  const warmup = step + 1 >= warmupSteps ? 1 : (step + 1) / warmupSteps;
  return learningRate * scheduleFactor(schedule, totalSteps, step) * warmup;
}

function scheduleFactor(schedule: ScheduleSpec, totalSteps: number, step: number): number {
  switch (schedule.kind) {
    case 'constant':
      return 1;
    case 'steps':
      return integerPower(schedule.factor, Math.floor(step / schedule.everySteps));
    case 'cosine':
      return cosineFactor(schedule.finalFactor, schedule.decaySteps ?? totalSteps, step);
  }
}

/** Half a cosine from 1 at step 0 to `finalFactor` at step decaySteps and after (Loshchilov & Hutter 2017, eq. 5). */
function cosineFactor(finalFactor: number, decaySteps: number, step: number): number {
  if (step >= decaySteps) return finalFactor;
  return finalFactor + ((1 - finalFactor) * (1 + Math.cos((Math.PI * step) / decaySteps))) / 2;
}
