import { type RunSpec, runSpecSchema } from '@elbo/protocol/run-spec';
import { SpecError } from '../errors.js';
import { defaultsFor } from './dataset-defaults.js';
import { describeProblems } from './describe-problem.js';
import { getAt, layOver } from './nested.js';
import type { WrittenSpec } from './read-spec.js';
import { flagsToSpec, type TypedFlags } from './typed-flags.js';

/**
 * The run spec, every field filled in: the schema's defaults, over them the data set's, over them what was written,
 * over that the flags.
 * @throws SpecError with every problem found
 */
export function resolveSpec(written: WrittenSpec, typed: TypedFlags): RunSpec {
  const said = layOver(written.input, flagsToSpec(typed));
  const dataset = getAt(said, ['dataset', 'name']);
  const input = typeof dataset === 'string' ? layOver(defaultsFor(dataset), said) : said;
  const parsed = runSpecSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap((issue) =>
    describeProblems(issue, { input, typed, lineOf: (path) => written.lineOf(path) }),
  );
  throw new SpecError(written.origin, [...new Set(problems)]);
}
