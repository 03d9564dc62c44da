import type { PackedDataset } from '@elbo/datasets/packed/packed-dataset';
import type { ResolvedRun } from '@elbo/protocol/messages';
import type { ConductorTransport } from '@elbo/transport/conductor-transport';
import { stepsPerEpoch } from '@elbo/vae-core/steps/step-plan';
import type { Restored } from './checkpoint/restore.js';
import { describeCeiling, memoryCeiling } from './memory-ceiling.js';
import type { RunArtefacts } from './run-artefacts.js';
import type { EmitEvent, RunReporter } from './run-reporter.js';
import type { RunState } from './run-state.js';
import type { CoordinatorSurroundings } from './surroundings.js';

export interface RunStart {
  readonly run: ResolvedRun;
  readonly state: RunState;
  readonly dataset: PackedDataset;
  readonly artefacts: RunArtefacts;
  readonly restored: Restored;
  /** The last step that metrics.ndjson has on record. */
  readonly recordedStep: number;
}

/** Says which run begins, and what it goes on from. */
export function announceStart(
  { run, state, dataset, artefacts, restored, recordedStep }: RunStart,
  transport: ConductorTransport,
  { workers, threads, clock }: CoordinatorSurroundings,
  emit: EmitEvent,
  reporter: RunReporter,
): void {
  const ceiling = memoryCeiling(run, state.model.layout.length, dataset.bytes.length);
  reporter.notice('info', 'memory', describeCeiling(ceiling, transport.kind, threads));
  emit({
    event: 'run-started',
    runId: run.runId,
    time: clock.now(),
    name: run.spec.name,
    engine: run.spec.engine,
    seed: run.spec.seed,
    parameterCount: state.model.layout.length,
    trainExamples: run.trainExamples,
    testExamples: run.testExamples,
    exampleShape: [...dataset.header.exampleShape],
    stepsPerEpoch: stepsPerEpoch(run.trainExamples, run.spec.training.globalBatchSize),
    epochs: run.spec.training.epochs,
    transport: transport.kind,
    workers,
    threads,
    runFolder: artefacts.path,
  });
  for (const { message } of restored.refused) {
    reporter.notice('warning', 'checkpoint-refused', `${message}. The one before it is used`);
  }
  if (restored.where) reporter.notice('info', 'resumed', `goes on after step ${state.step}, from ${restored.where}`);
  if (recordedStep < state.step) {
    reporter.notice(
      'warning',
      'metrics-missing',
      `${artefacts.path} has no record of steps ${recordedStep + 1} to ${state.step}: it was not there, or lost its end. The model has them all`,
    );
  }
}
