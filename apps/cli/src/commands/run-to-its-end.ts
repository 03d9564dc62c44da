import type { RunOrder } from '@elbo/protocol/messages';
import { exitCodes } from '../exit-codes.js';
import type { FolderPlace } from '../launch/run-artefacts.js';
import { chooseRenderer } from '../progress/choose-renderer.js';
import type { EventSink } from '../progress/event-sink.js';
import type { LaunchFlags } from './launch-flags.js';
import { saying, stopOnSignals } from './stop-signals.js';

/** Trains a run on this machine with progress on standard output, until it is over or a signal stops it. */
export async function runToItsEnd(job: RunOrder, place: FolderPlace, flags: LaunchFlags): Promise<void> {
  const renderer = chooseRenderer({ json: flags.json === true, quiet: flags.quiet === true });
  const sink = flags.json ? renderer : withoutFailure(renderer);
  const stop = stopOnSignals(saying('stopping after this step'));
  try {
    // Loaded here, when the command line holds: engines and queues take their time to load.
    const { launchTrain } = await import('../launch/train.js');
    const { redis = null, workers = null, threads = null } = flags;
    const { outcome } = await launchTrain(job, place, { redis, workers, threads }, sink, stop.signal);
    if (outcome === 'interrupted') process.exitCode = stop.exitCode() ?? exitCodes.interrupted;
  } finally {
    sink.close();
    stop.release();
  }
}

/** A failure ends this command, whose message goes to standard error: a person should not read it twice. */
function withoutFailure(renderer: EventSink): EventSink {
  return {
    handle: (event) => {
      if (event.event !== 'run-failed') renderer.handle(event);
    },
    close: () => renderer.close(),
  };
}
