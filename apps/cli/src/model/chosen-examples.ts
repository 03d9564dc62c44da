import { UsageError } from '../errors.js';
import type { Examples } from './examples.js';

/** @throws UsageError naming the flag and the first index that is not there */
export function requireIndices(flag: string, indices: readonly number[], { count, split, source }: Examples): void {
  const wrong = indices.find((index) => index >= count);
  if (wrong === undefined) return;
  const where = split ? `the ${split} split of ${source}` : source;
  throw new UsageError(`${flag}: there is no example ${wrong} in ${where}, which has ${count}, counted from 0`);
}

/** Examples as results tell of them. */
export function describeExamples({ source, split, count }: Examples) {
  return { source, split, count };
}

/** For the names of files: `test`, or the input's name without folder and ending. */
export function examplesName({ source, split }: Examples): string {
  if (split) return split;
  const name = source.split(/[\\/]/).filter(Boolean).at(-1) ?? 'input';
  return name.replace(/\.[^.]*$/, '') || 'input';
}
