import type { ResolvedRun } from '@elbo/protocol/messages';
import type { RunChannel } from '@elbo/transport/conductor-transport';
import type { Checkpointer } from './checkpoint/checkpointer.js';
import type { ContributionLedger } from './contribution-ledger.js';
import type { OnPhase } from './phases.js';
import type { RunFailure } from './run-failure.js';
import type { RunReporter } from './run-reporter.js';
import type { RunState } from './run-state.js';

/** All that conducting one run takes. */
export interface Conduct {
  readonly run: ResolvedRun;
  readonly lease: number;
  readonly state: RunState;
  readonly channel: RunChannel;
  readonly ledger: ContributionLedger;
  readonly reporter: RunReporter;
  readonly checkpointer: Checkpointer;
  /** Draws what the parameters make of the prior and of the data. Does not fail the run. */
  readonly drawEpoch: (epoch: number) => Promise<void>;
  /** Fails when the run cannot go on: its lease is lost, a shard failed for good. */
  readonly failure: RunFailure;
  /** Aborted when the run is to save and stop. */
  readonly signal: AbortSignal;
  readonly onPhase: OnPhase;
}
