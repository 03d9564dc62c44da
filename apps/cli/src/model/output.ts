import { mkdir, stat } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';
import type { ResultFile } from '@elbo/protocol/model-results';
import { UsageError } from '../errors.js';
import { type CsvColumn, encodeCsv } from '../formats/csv.js';
import { encodeNpy, type NpyValues } from '../formats/npy.js';
import { notWritten, writeFileAtomically } from '../run-folder/write-file-atomically.js';

export type OutputFormat = 'png' | 'npy' | 'csv';

export interface Output {
  readonly path: string;
  readonly format: OutputFormat;
}

/**
 * Where a result goes: `--out`, whose ending says the format; else a file in the current folder.
 * @param stem The file's name without its ending, when `--out` is a folder or left out.
 * @throws UsageError for an ending that is none of `allowed`
 */
export async function chooseOutput(
  out: string | undefined,
  stem: string,
  byDefault: OutputFormat,
  allowed: readonly OutputFormat[],
): Promise<Output> {
  const folder = out === undefined ? '.' : out;
  if (out === undefined || /[\\/]$/.test(out) || (await isFolder(out))) {
    return { path: resolve(folder, `${stem}.${byDefault}`), format: byDefault };
  }
  const format = allowed.find((each) => extname(out).toLowerCase() === `.${each}`);
  if (format) return { path: resolve(out), format };
  throw new UsageError(`--out: '${out}' must end in ${allowed.map((each) => `.${each}`).join(' or ')}, or be a folder`);
}

/** `<path without its ending>-<suffix>.<ending>` */
export function besides({ path }: Output, suffix: string): string {
  const ending = extname(path);
  return join(dirname(path), `${path.slice(dirname(path).length + 1, -ending.length)}-${suffix}${ending}`);
}

export async function writeNpy(path: string, content: string, values: NpyValues, shape: readonly number[]) {
  return writeResult(path, 'npy', content, encodeNpy(values, shape));
}

export async function writeCsv(path: string, content: string, columns: readonly CsvColumn[], rows: number) {
  return writeResult(path, 'csv', content, encodeCsv(columns, rows));
}

/** Writes a file, whole or not at all, making its folder. @throws RunFolderError */
export async function writeResult(
  path: string,
  format: ResultFile['format'],
  content: string,
  bytes: string | Uint8Array | readonly Uint8Array[],
): Promise<ResultFile> {
  await mkdir(dirname(path), { recursive: true }).catch((error: unknown) => {
    throw notWritten(path, error);
  });
  await writeFileAtomically(path, bytes);
  return { path, format, content };
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() ?? false;
}
