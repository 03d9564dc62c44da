import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import type { z } from 'zod';
import { getJson, reasonOf } from './client.js';
import { LatestWins } from './latest-wins.js';

export interface Fetched<T> {
  /** The last good answer. */
  readonly value: T | null;
  readonly problem: string | null;
}

/**
 * An answer of the API, fetched when the path or the occasion changes: one request at a time, so that occasions which
 * come faster than answers do not keep them away.
 */
export function useFetched<T>(schema: z.ZodType<T>, path: string, occasion: string | number = ''): Fetched<T> {
  const fetched = useSignal<Fetched<T>>({ value: null, problem: null });
  const requests = useMemo(
    () =>
      new LatestWins(
        (wanted: string, signal) => getJson(schema, wanted, signal),
        (value) => {
          fetched.value = { value, problem: null };
        },
        (error) => {
          fetched.value = { value: fetched.value.value, problem: reasonOf(error) };
        },
      ),
    [schema, fetched],
  );
  useEffect(() => requests.ask(path), [requests, path, occasion]);
  useEffect(() => () => requests.stop(), [requests]);
  return fetched.value;
}
