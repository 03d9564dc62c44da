import type { RunSummary } from '@elbo/protocol/cluster';
import { runIdSchema } from '@elbo/protocol/messages';
import { UsageError } from '../errors.js';
import type { ClusterClient } from './cluster-client.js';

/** How a person may name a run of a cluster; for `--help`. */
export const runArgument =
  "a run's id, or as much of its beginning (or of its last part's) as is enough; latest: the newest";

/**
 * The run that a person means.
 * @throws UsageError when there is none, or several
 */
export async function findRun(client: ClusterClient, wanted: string): Promise<RunSummary> {
  const runs = await client.runs();
  const named = wanted === 'latest' ? runs.slice(0, 1) : meant(runs, wanted);
  const [only, ...others] = named;
  if (only && others.length === 0) return only;
  if (only) {
    const ids = named.slice(0, 10).map(({ runId }) => runId);
    throw new UsageError(`'${wanted}' may mean ${named.length} runs: ${ids.join(', ')}; give more of the id`);
  }
  // The list is of the newest.
  if (runs.length === 1000 && runIdSchema.safeParse(wanted).success) return client.run(wanted);
  const known = runs.length === 0 ? 'it has none yet' : '`elbo runs` lists them';
  throw new UsageError(`the cluster has no run '${wanted}'; ${known}`);
}

function meant(runs: readonly RunSummary[], wanted: string): RunSummary[] {
  const exact = runs.filter(({ runId }) => runId === wanted);
  if (exact.length > 0) return exact;
  return runs.filter(
    ({ runId }) => runId.startsWith(wanted) || runId.slice(runId.lastIndexOf('-') + 1).startsWith(wanted),
  );
}
