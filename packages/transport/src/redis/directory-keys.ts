/** The keys of the run directory that are of no single run. */
export function directoryKeys(prefix: string) {
  return {
    /** Sorted set: ids of runs by when they were submitted. */
    index: `${prefix}:runs`,
    /** Sorted set: ids of workers by when they were last heard of. */
    workers: `${prefix}:workers`,
    worker: (workerId: string) => `${prefix}:worker:${workerId}`,
  };
}
