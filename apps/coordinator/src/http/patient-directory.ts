import type { RunDirectory } from '@elbo/transport/run-directory';
import { Refusal } from './problem.js';

/** A Redis that is away is waited for without end; those who ask are told before their own patience ends. */
const patienceMs = 3000;

/** The directory, whose answers come within three seconds or are refused. */
export function patientDirectory(directory: RunDirectory): RunDirectory {
  return {
    submit: (...run) => inTime(directory.submit(...run)),
    list: () => inTime(directory.list()),
    find: (runId) => inTime(directory.find(runId)),
    want: (...wish) => inTime(directory.want(...wish)),
    eventsAfter: (...place) => inTime(directory.eventsAfter(...place)),
    workers: () => inTime(directory.workers()),
    close: () => directory.close(),
  };
}

async function inTime<Answer>(answer: Promise<Answer>): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const message =
      'Redis does not answer the coordinator: see that it runs and can be reached. What was to be changed may be changed yet, when it is back';
    timer = setTimeout(() => reject(new Refusal(503, 'redis-unavailable', message, 5)), patienceMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
