import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { z } from 'zod';
import { getJson, reasonOf } from './client.js';

export interface Fetched<T> {
  /** The last good answer. */
  readonly value: T | null;
  readonly problem: string | null;
}

/** An answer of the API, fetched when the path or the occasion changes. */
export function useFetched<T>(schema: z.ZodType<T>, path: string, occasion: string | number = ''): Fetched<T> {
  const fetched = useSignal<Fetched<T>>({ value: null, problem: null });
  // The occasion is what it waits for.
  useEffect(() => {
    const abort = new AbortController();
    getJson(schema, path, abort.signal).then(
      (value) => {
        fetched.value = { value, problem: null };
      },
      (error: unknown) => {
        if (!abort.signal.aborted) fetched.value = { value: fetched.value.value, problem: reasonOf(error) };
      },
    );
    return () => abort.abort();
  }, [path, occasion]);
  return fetched.value;
}
