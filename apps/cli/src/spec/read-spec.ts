import { open, stat } from 'node:fs/promises';
import { type Document, isNode, Lexer, LineCounter, Parser, parseDocument } from 'yaml';
import { SpecError, UsageError } from '../errors.js';
import { type FieldPath, isPlainObject, type PlainObject } from './nested.js';

/** A spec as its author wrote it: not yet validated, nothing filled in. */
export interface WrittenSpec {
  readonly input: PlainObject;
  /** For messages: the file as it was typed, or `the command line`. */
  readonly origin: string;
  /** The line a field stands on, or null. */
  lineOf(path: FieldPath): number | null;
}

const maxBytes = 64 * 1024;
const maxAliases = 100;
/** A spec is nested four deep. */
const maxDepth = 64;
/** A full spec has some hundred words. The parser's time grows with the square of their number. */
const maxLexemes = 10_000;

/** Reads `elbo train`'s argument: a YAML or JSON file, or the name of a data set. */
export async function readSpec(argument: string): Promise<WrittenSpec> {
  const looksLikeFile = /\.(ya?ml|json)$/i.test(argument) || /[\\/]/.test(argument);
  if (looksLikeFile) return parseSpec(await readBounded(argument), argument);
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(argument)) {
    throw new UsageError(
      `'${argument}' is neither a data set nor a spec: a data set's name is lower-case letters, digits and dashes ` +
        '(`elbo datasets` lists them), a spec is a file that ends in .yaml, .yml or .json',
    );
  }
  return { input: { dataset: { name: argument } }, origin: 'the command line', lineOf: () => null };
}

/** Parses YAML or JSON (which is YAML) without tags, duplicate keys or runaway aliases. @throws SpecError */
export function parseSpec(source: string, origin: string): WrittenSpec {
  const lines = new LineCounter();
  let document: Document;
  let input: unknown;
  try {
    assertModest(source);
    document = parseDocument(source, { lineCounter: lines, uniqueKeys: true, prettyErrors: true });
    const fault = document.errors[0] ?? document.warnings[0];
    if (fault) throw fault;
    input = document.toJS({ maxAliasCount: maxAliases });
  } catch (error) {
    throw new SpecError(origin, [`not valid YAML or JSON: ${(error as Error).message.trim()}`]);
  }
  if (!isPlainObject(input)) {
    throw new SpecError(origin, ['a run spec is an object with at least `dataset: { name: ... }` in it']);
  }
  return { input, origin, lineOf: (path) => lineOf(document, lines, path) };
}

/** The parser proper is recursive, and a stack that ends inside it can take the process along. */
function assertModest(source: string): void {
  const parser = new Parser();
  let lexemes = 0;
  for (const lexeme of new Lexer().lex(source)) {
    if (++lexemes > maxLexemes) throw new Error(`it has more than ${maxLexemes} words`);
    for (const _ of parser.next(lexeme));
    if (parser.stack.length > maxDepth) throw new Error(`it is nested more than ${maxDepth} deep`);
  }
}

function lineOf(document: Document, lines: LineCounter, path: FieldPath): number | null {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return null;
}

async function readBounded(path: string): Promise<string> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(
      error.code === 'ENOENT'
        ? `there is no file ${path}; give a spec that is there, or the name of a data set (\`elbo datasets\`)`
        : `${path} cannot be read: ${error.message}`,
    );
  });
  if (!found.isFile()) throw new UsageError(`${path} is not a file`);
  const file = await open(path, 'r').catch((error: Error) => {
    throw new UsageError(`${path} cannot be read: ${error.message}`);
  });
  try {
    // One byte past the bound tells a file that grew since, too.
    const { bytesRead, buffer } = await file.read(Buffer.alloc(maxBytes + 1), 0, maxBytes + 1, 0);
    if (bytesRead > maxBytes) {
      throw new UsageError(`${path} is larger than ${maxBytes / 1024} KiB: that is no run spec`);
    }
    return decodeUtf8(buffer.subarray(0, bytesRead), path);
  } finally {
    await file.close();
  }
}

function decodeUtf8(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError(`${path} is not text in UTF-8: save it so`);
  }
}
