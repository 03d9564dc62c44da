import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type RunEvent, runEventSchema } from '@elbo/protocol/events';

/** The events of metrics.ndjson, each line checked. */
export async function recordedEvents(runFolder: string): Promise<RunEvent[]> {
  const text = await readFile(join(runFolder, 'metrics.ndjson'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => runEventSchema.parse(JSON.parse(line)));
}

/** What was learnt, step by step and epoch by epoch, without what differs between two launches: names and times. */
export async function recordedLearning(runFolder: string): Promise<unknown[]> {
  const events = await recordedEvents(runFolder);
  return events
    .filter((event) => event.event === 'step' || event.event === 'epoch')
    .map(({ runId, time, imagesPerSecond, ...rest }) => ({ ...rest, seconds: undefined, phases: undefined }));
}
