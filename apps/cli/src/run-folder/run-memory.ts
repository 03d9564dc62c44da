import type { EpochEvent, RunEvent, RunFinishedEvent, RunStartedEvent } from '@elbo/protocol/events';
import type { RunFailedEvent } from './readme.js';
import { StepHistory } from './step-history.js';

/** What curves and README need of a run's events, in bounded memory however many steps there are. */
export class RunMemory {
  started: RunStartedEvent | null = null;
  finished: RunFinishedEvent | null = null;
  failure: RunFailedEvent | null = null;
  readonly epochs: EpochEvent[] = [];
  readonly steps = new StepHistory();

  take(event: RunEvent): void {
    if (event.event === 'run-started') this.started = event;
    if (event.event === 'step') this.steps.add(event, this.started?.stepsPerEpoch ?? 1);
    if (event.event === 'epoch') this.epochs.push(event);
    if (event.event === 'run-finished') this.finished = event;
    if (event.event === 'run-failed') this.failure = event;
  }
}
