import type { RunState, RunSummary } from '@elbo/protocol/cluster';
import type { ClusterClient } from '../cluster/cluster-client.js';
import { exitCodes } from '../exit-codes.js';
import { chooseRenderer } from '../progress/choose-renderer.js';
import { count } from '../progress/format.js';
import { stopOnSignals } from './stop-signals.js';

export interface WatchFlags {
  readonly json?: true;
  readonly quiet?: true;
}

/** Shows a run of a cluster as `elbo train` shows its own, until it is over or a signal ends the watching. */
export async function watchToItsEnd(client: ClusterClient, runId: string, flags: WatchFlags): Promise<void> {
  const { watchRun } = await import('../cluster/watch-run.js');
  const sink = chooseRenderer({ json: flags.json === true, quiet: flags.quiet === true });
  const stop = stopOnSignals();
  // Standard output of --json is the run's own events, and nothing else.
  const tell = (level: 'info' | 'warning', message: string): void => {
    if (flags.json) process.stderr.write(`elbo: ${message}\n`);
    else sink.handle({ event: 'notice', runId, time: Date.now(), level, code: 'watch', message });
  };
  try {
    const notices = {
      state: (summary: RunSummary) => {
        const said = inWords(summary, client.address.server);
        if (said) tell('info', said);
      },
      connection: (message: string) => tell('warning', message),
    };
    const end = await watchRun(client, runId, sink, notices, stop.signal);
    if (end === null) {
      process.exitCode = stop.exitCode() ?? exitCodes.interrupted;
      sink.close();
      process.stderr.write(`\nelbo: no longer watching; the run goes on (elbo watch ${runId}, elbo cancel ${runId})\n`);
    } else {
      if (end !== 'completed') process.exitCode = exitCodes.failed;
      else tell('info', `elbo download ${runId} fetches its folder`);
    }
  } finally {
    sink.close();
    stop.release();
  }
}

/** What its events do not say of a state, or say later. */
function inWords({ runId, state, step, totalSteps, error }: RunSummary, server: string): string | null {
  const resume = `elbo resume ${runId} --server ${server}`;
  const sayings: Record<RunState, string | null> = {
    queued: `${runId} waits in the queue for a coordinator`,
    running: null,
    paused: `${runId} is paused after step ${count(step)} of ${totalSteps === null ? '?' : count(totalSteps)}: ${resume}`,
    completed: null,
    interrupted: `${runId} was stopped with its coordinator, and is kept: ${resume}`,
    failed: error ? `${runId} failed (${error.code}): ${error.message}` : `${runId} failed`,
    cancelled: `${runId} is cancelled`,
  };
  return sayings[state];
}
