import { type WorkerReport, workerReportSchema } from '@elbo/protocol/cluster';
import type { Redis } from 'ioredis';
import { directoryKeys } from './directory-keys.js';
import { reportWorker } from './directory-scripts.js';

/** A worker that has not been heard of for so long is gone. */
const workerTtlMs = 10_000;
const mostWorkers = 1024;

export async function writeWorkerReport(client: Redis, prefix: string, report: WorkerReport): Promise<void> {
  const { worker, workers } = directoryKeys(prefix);
  const { workerId } = report;
  await reportWorker.run(client, [worker(workerId), workers], [workerId, JSON.stringify(report), workerTtlMs]);
}

/** The workers that were heard of lately, by id; what is not a report of ours is passed over. */
export async function readWorkerReports(client: Redis, prefix: string): Promise<WorkerReport[]> {
  const keys = directoryKeys(prefix);
  const ids = await client.zrevrange(keys.workers, 0, mostWorkers - 1);
  if (ids.length === 0) return [];
  const texts = await client.mget(ids.map(keys.worker));
  return texts
    .flatMap((text) => (text === null ? [] : (readReport(text) ?? [])))
    .sort((a, b) => (a.workerId < b.workerId ? -1 : 1));
}

function readReport(text: string): WorkerReport | null {
  try {
    return workerReportSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null; // not JSON: somebody else wrote it
  }
}
