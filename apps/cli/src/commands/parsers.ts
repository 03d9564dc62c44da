import { isAbsolute } from 'node:path';
import { withoutPassword } from '@elbo/transport/redis/without-password';
import { InvalidArgumentError } from 'commander';
import { UsageError } from '../errors.js';

/** A parser for `--workers <n>` and the like. */
export function wholeNumber(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < low || value > high) {
      throw new InvalidArgumentError(`It must be an integer from ${low} to ${high}.`);
    }
    return value;
  };
}

/** A parser for `--scale <s>`. */
export function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1e6)) throw new InvalidArgumentError('It must be a number above 0 and at most 1000000.');
  return value;
}

/** A parser for `--out <folder>` and the like: an unset variable of a shell must not mean the current folder. */
export function folder(text: string): string {
  if (text === '') throw new InvalidArgumentError('It must be a folder; . is the current one.');
  return text;
}

/** A parser for a Redis address or the path of its unix socket. `elbo train --redis mnist` would otherwise take mnist for one. */
export function redisUrl(text: string): string {
  if (isAbsolute(text)) return text;
  const url = /^[a-z]+:\/\//i.test(text) ? text : /^[^/\s]+:\d+$/.test(text) ? `redis://${text}` : null;
  if (url === null || !URL.canParse(url) || !/^rediss?:$/.test(new URL(url).protocol)) {
    // Commander would quote the whole value, which may come from REDIS_URL with a password in it.
    throw new UsageError(
      `--redis: '${withoutPassword(text)}' is no address of a Redis. It must look like redis://host:6379, signs such as / and @ in its password written as %2F and %40. To use any Redis that is found, put --redis at the end or before another flag`,
    );
  }
  return url;
}
