import { type RunSpec, runSpecSchema } from '@elbo/protocol/run-spec';
import type { z } from 'zod';

/** The JSON of a spec while it is edited: the text is the truth, and the inputs beside it read and write it. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface SpecReading {
  /** What the text is as JSON; undefined when it is none. */
  readonly json: Json | undefined;
  readonly spec: RunSpec | null;
  /** Each as `training.epochs: what is wrong`. */
  readonly problems: readonly string[];
}

export function readSpec(text: string): SpecReading {
  let json: Json;
  try {
    json = JSON.parse(text) as Json;
  } catch (error) {
    return { json: undefined, spec: null, problems: [`This is no JSON: ${(error as Error).message}`] };
  }
  const result = runSpecSchema.safeParse(json);
  if (result.success) return { json, spec: result.data, problems: [] };
  const problems = result.error.issues.map((issue) =>
    issue.path.length ? `${issue.path.join('.')}: ${inWords(issue)}` : inWords(issue),
  );
  return { json, spec: null, problems };
}

/** What is wrong with a number, for people who fill in a form; of the rest what the schema says. */
function inWords(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type' && issue.expected === 'number') return 'must be a number';
  if (issue.code === 'invalid_type' && issue.expected === 'int') return 'must be a whole number';
  const isNumber = (issue.code === 'too_small' || issue.code === 'too_big') && ['number', 'int'].includes(issue.origin);
  if (!isNumber) return issue.message;
  if (issue.code === 'too_small') return `must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`;
  return `must be ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`;
}

export function writeSpec(json: unknown): string {
  return `${JSON.stringify(json, null, 2)}\n`;
}

/** The value at `training.optimizer.kind`; undefined when there is none. */
export function valueAt(json: Json | undefined, path: string): Json | undefined {
  let value: Json | undefined = json;
  for (const key of path.split('.')) {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined;
    value = Object.hasOwn(value, key) ? value[key] : undefined;
  }
  return value;
}

/** A copy with another value at the path; objects on the way are made where there are none. */
export function withValue(json: Json | undefined, path: string, value: Json): Json {
  const [key = '', ...rest] = path.split('.');
  const own = json !== null && typeof json === 'object' && !Array.isArray(json) ? json : {};
  return { ...own, [key]: rest.length === 0 ? value : withValue(own[key], rest.join('.'), value) };
}

/** Decimal as people and JSON write it, not `0x10`; what is no number stays, so that the schema names it. */
export function readNumber(text: string): number | string {
  const isDecimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim());
  return isDecimal && Number.isFinite(Number(text)) ? Number(text) : text;
}

/** `400, 200` -> [400, 200] */
export function readList(text: string): Json {
  const parts = text.split(',').map((part) => part.trim());
  return parts.filter((part) => part !== '').map(readNumber);
}
