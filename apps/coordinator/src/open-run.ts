import type { PackedDataset } from '@elbo/datasets/packed/packed-dataset';
import type { Launch, ResolvedRun, RunJob } from '@elbo/protocol/messages';
import type { ConductorTransport, Lease } from '@elbo/transport/conductor-transport';
import { createModel } from '@elbo/vae-core/models/model';
import { leaseMs } from './lease.js';
import { assertFits, memoryCeiling } from './memory-ceiling.js';
import { resolveRun } from './resolve-run.js';
import type { RunArtefacts } from './run-artefacts.js';
import { RunState } from './run-state.js';
import type { CoordinatorSurroundings } from './surroundings.js';

/** All that a coordinator has of a run before it conducts it. */
export interface OpenedRun {
  readonly run: ResolvedRun;
  readonly launch: Launch;
  /** As at step 0. */
  readonly state: RunState;
  readonly dataset: PackedDataset;
  readonly artefacts: RunArtefacts;
}

/** @throws MemoryCeilingError, DatasetError and what surroundings do */
export async function openRun(
  { kind, store }: ConductorTransport,
  surroundings: CoordinatorSurroundings,
  job: RunJob,
  lease: Lease,
): Promise<OpenedRun> {
  const { dataset, facts } = await surroundings.openDataset(job.spec);
  const run = resolveRun(job.runId, job.spec, facts);
  const { length } = createModel(run.spec.model, run.dataDim).layout;
  assertFits(run, memoryCeiling(run, length, dataset.bytes.length), kind, surroundings.threads);
  const state = RunState.create(run, surroundings.guestBuffers ?? 0);
  surroundings.onState?.(run, state, dataset);
  const artefacts = await surroundings.openArtefacts(run, async () => {
    surroundings.onPhase?.('before-checkpoint-rename', state.step);
    await store.renewLease(lease, leaseMs);
  });
  const { priority, workerLimit } = job;
  return { run, launch: { priority, workerLimit }, state, dataset, artefacts };
}
