import type { z } from 'zod';
import { flagName, specFlags } from './flags.js';
import { fold, nearestWord } from './nearest-word.js';
import { type FieldPath, getAt, isPlainObject } from './nested.js';
import { allFieldPaths, allowedBy, schemaAt } from './spec-schema.js';
import { flagOfField, type TypedFlags } from './typed-flags.js';

interface Context {
  readonly input: unknown;
  readonly typed: TypedFlags;
  lineOf(path: FieldPath): number | null;
}

/** One problem of a spec, in words: which flag or field, its value, and what is allowed. */
export function describeProblems(issue: z.core.$ZodIssue, context: Context): string[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => describeUnknownField([...issue.path, key] as FieldPath, context));
  }
  const path = issue.path as FieldPath;
  const where = nameOf(path, context);
  const value = getAt(context.input, path);
  const node = schemaAt(path, context.input);
  const allowed =
    issue.code === 'invalid_format' ? issue.message : node ? `it must be ${allowedBy(node)}` : issue.message;
  if (value === undefined) return [`${where}${orFlag(path)} is missing: ${allowed}`];
  return [`${where}: ${shown(value)} is not allowed; ${allowed}`];
}

function describeUnknownField(path: FieldPath, context: Context): string {
  const where = nameOf(path, context);
  const parentPath = path.slice(0, -1);
  const parent = getAt(context.input, parentPath);
  const key = String(path.at(-1));
  const dottedParent = parentPath.join('.');
  const fields = allFieldPaths();

  // A field of another kind: --variance with a Bernoulli likelihood.
  if (fields.includes([...parentPath, key].join('.')) && isPlainObject(parent)) {
    const chosenBy = flagOfField([...parentPath, 'kind'], context.typed);
    const flag = chosenBy ? ` (${chosenBy})` : '';
    return `${where} does not go with ${dottedParent}.kind ${shown(parent.kind)}${flag}`;
  }
  const siblings = fields.filter((each) => each.slice(0, -lastOf(each).length - 1) === dottedParent);
  const near = nearestWord(key, siblings.map(lastOf));
  const right = near
    ? [...parentPath, near].join('.')
    : (fieldOfFlag(key) ?? fields.find((each) => lastOf(each) === key) ?? nearestField(key, fields));
  const hint = right ? `did you mean ${right}?` : `the fields here are ${siblings.map(lastOf).join(', ')}`;
  return `${where} is not a field of a run spec; ${hint}`;
}

/** People who know the flags write `batchSize` for what `--batch-size` says. */
function fieldOfFlag(key: string): string | undefined {
  const flag = specFlags.find((each) => fold(flagName(each)) === fold(key));
  return flag?.fields.find((each) => !each.implied)?.path.join('.');
}

function nearestField(key: string, fields: readonly string[]): string | null {
  const near = nearestWord(key, fields.map(lastOf));
  return near && (fields.find((each) => lastOf(each) === near) ?? null);
}

function lastOf(dotted: string): string {
  return dotted.slice(dotted.lastIndexOf('.') + 1);
}

/** What else may say a field that nobody said. */
function orFlag(path: FieldPath): string {
  const dotted = path.join('.');
  const flag = specFlags.find(({ fields }) => fields.some((each) => !each.implied && each.path.join('.') === dotted));
  return flag ? `, or ${flagName(flag)},` : '';
}

function nameOf(path: FieldPath, { typed, lineOf }: Context): string {
  const flag = flagOfField(path, typed);
  if (flag) return flag;
  const line = lineOf(path);
  return `${path.join('.')}${line === null ? '' : ` (line ${line})`}`;
}

function shown(value: unknown): string {
  const written = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));
  return written.length > 80 ? `${written.slice(0, 77)}...` : written;
}
