import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | undefined;

/**
 * Frees what this thread can no longer reach, in some tens of milliseconds. V8 collects by the memory that it counts,
 * and shared memory it does not count: arenas and data sets of runs that are over would pile up to gigabytes.
 */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  collect ??= runInNewContext('gc') as () => void;
  collect();
}
