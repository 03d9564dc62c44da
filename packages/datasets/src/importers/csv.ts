import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import {
  DatasetError,
  EmptyDatasetError,
  TooLargeError,
  UnreadableSourceError,
  UnsupportedContentError,
} from '../errors.js';
import { maxPackedBytes } from '../packed/header.js';
import { type ExampleTable, packLabels } from '../packed/table.js';
import { NonFiniteValueError, NotANumberError, RaggedRowError } from './errors.js';

export interface CsvOptions {
  /** The first line names the columns. */
  readonly header: boolean;
  /** Its name (needs a header) or its number, counted from 1; null for none. */
  readonly labelColumn: string | number | null;
  readonly delimiter: string;
}

interface CsvRow {
  readonly record: readonly string[];
  /** `lines`: the line that the record ends on, counted from 1. */
  readonly info: { readonly lines: number };
}

const maxRowBytes = 1 << 26;
const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const nonFinite = /^[+-]?(?:nan|inf|infinity)$/i;

/**
 * One example a line, one number a cell, empty lines left out. Values are kept as float32.
 * @throws UnreadableSourceError, RaggedRowError, NotANumberError, NonFiniteValueError,
 *   EmptyDatasetError, UnsupportedContentError, TooLargeError
 */
export async function readCsvExamples(path: string, options: CsvOptions): Promise<ExampleTable> {
  const found = await stat(path).catch((cause: Error) => {
    throw new UnreadableSourceError(path, cause.message, { cause });
  });
  // A pipe ends; a device need not.
  if (!found.isFile() && !found.isFIFO()) throw new UnreadableSourceError(path, 'it is not a file');
  const rows = new CsvRows(path, options);
  const parser = parse({
    bom: true,
    delimiter: options.delimiter,
    info: true,
    max_record_size: maxRowBytes,
    // Files that were joined may mix them: the first line does not decide.
    record_delimiter: ['\r\n', '\n', '\r'],
    // Counted in CsvRows, which knows both counts and the line.
    relax_column_count: true,
    skip_empty_lines: true,
  });
  // What goes wrong in either stream comes out of the loop.
  pipeline(createReadStream(path), parser, () => {});
  try {
    for await (const row of parser) rows.add(row as CsvRow);
  } catch (cause) {
    throw named(cause, path);
  }
  return rows.finish();
}

class CsvRows {
  #columns = -1;
  #label = -1;
  #values = new Float32Array(1024);
  #filled = 0;
  readonly #labels: number[] = [];
  #columnNames: readonly string[] | null = null;
  #count = 0;

  constructor(
    readonly path: string,
    readonly options: CsvOptions,
  ) {}

  add({ record, info }: CsvRow): void {
    if (this.#columns < 0) {
      this.#columns = record.length;
      this.#label = this.#findLabel(record);
      if (this.options.header) {
        this.#columnNames = this.#namesOf(record);
        return;
      }
    }
    if (record.length !== this.#columns) {
      throw new RaggedRowError(this.path, info.lines, this.#columns, record.length);
    }
    this.#reserve(record.length);
    for (let column = 0; column < record.length; column++) {
      const cell = record[column]!.trim();
      if (column === this.#label) this.#labels.push(this.#readLabel(cell, info.lines));
      else this.#values[this.#filled++] = this.#readNumber(cell, info.lines, column + 1);
    }
    this.#count += 1;
  }

  finish(): ExampleTable {
    const dataDim = this.#columns - (this.#label < 0 ? 0 : 1);
    if (this.#count === 0) throw new EmptyDatasetError(this.path, 'examples');
    if (dataDim === 0) throw new EmptyDatasetError(this.path, 'values beside the labels');
    return {
      source: this.path,
      count: this.#count,
      exampleShape: [dataDim],
      values: this.#values.subarray(0, this.#filled),
      labels: this.#label < 0 ? null : packLabels(this.#labels),
      labelNames: null,
      ...(this.#columnNames !== null && { columnNames: this.#columnNames }),
    };
  }

  /** Of all columns but the label. One without a name is an index, which would pass for a value of each example. */
  #namesOf(header: readonly string[]): string[] {
    const names = header.map((name) => name.trim());
    const unnamed = names.findIndex((name, column) => name === '' && column !== this.#label);
    if (unnamed < 0) return names.filter((_, column) => column !== this.#label);
    throw new UnsupportedContentError(
      this.path,
      `its column ${unnamed + 1} has no name. Leave it out if it is an index (pandas: index=False), or name it.`,
    );
  }

  #findLabel(firstRow: readonly string[]): number {
    const { labelColumn, header } = this.options;
    if (labelColumn === null) return -1;
    const names = firstRow.map((name) => name.trim());
    if (typeof labelColumn === 'string' && !header) {
      throw new UnsupportedContentError(this.path, 'a label column is named, but the file is said to have no header.');
    }
    const index = typeof labelColumn === 'string' ? names.indexOf(labelColumn) : labelColumn - 1;
    if (index >= 0 && index < names.length) return index;
    const columns = header ? `: ${names.slice(0, 20).join(', ')}` : '';
    throw new UnsupportedContentError(
      this.path,
      `it has no column ${labelColumn} for the labels, but ${names.length} columns${columns}.`,
    );
  }

  #readNumber(cell: string, line: number, column: number): number {
    if (!decimal.test(cell)) {
      if (nonFinite.test(cell)) throw this.#notFinite(cell, line, column);
      throw new NotANumberError(this.path, line, column, cell);
    }
    const value = Math.fround(Number(cell));
    if (!Number.isFinite(value)) throw this.#notFinite(cell, line, column);
    return value;
  }

  #notFinite(cell: string, line: number, column: number): NonFiniteValueError {
    return new NonFiniteValueError(this.path, line, column, cell, `line ${line}, column ${column}`);
  }

  #readLabel(cell: string, line: number): number {
    const label = Number(cell);
    if (decimal.test(cell) && Number.isInteger(label) && label >= 0 && label <= 65_535) return label;
    const place = `line ${line}, column ${this.#label + 1}`;
    const shown = JSON.stringify(cell.slice(0, 40));
    throw new UnsupportedContentError(this.path, `${place}: the label ${shown} is not a whole number from 0 to 65535.`);
  }

  #reserve(more: number): void {
    const needed = this.#filled + more;
    if (needed <= this.#values.length) return;
    if (needed * 4 > maxPackedBytes) throw new TooLargeError(this.path, needed * 4, maxPackedBytes, 'bytes as float32');
    const grown = new Float32Array(Math.max(needed, 2 * this.#values.length));
    grown.set(this.#values);
    this.#values = grown;
  }
}

function named(cause: unknown, path: string): DatasetError {
  if (cause instanceof DatasetError) return cause;
  if (cause instanceof CsvError) {
    return new UnsupportedContentError(path, `line ${cause.lines}: ${cause.message}.`, { cause });
  }
  return new UnreadableSourceError(path, cause instanceof Error ? cause.message : String(cause), { cause });
}
