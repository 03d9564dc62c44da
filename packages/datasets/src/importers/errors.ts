import { DatasetError } from '../errors.js';

/** What can be wrong with the examples in a source. Its not being readable at all is in ../errors.ts. */

export class TruncatedFileError extends DatasetError {
  constructor(
    readonly path: string,
    /** Bytes the file must have by its own header. */
    readonly expectedBytes: number,
    readonly actualBytes: number,
  ) {
    super(
      'truncated-file',
      `${path} is truncated: it has ${actualBytes} bytes where at least ${expectedBytes} are needed. Fetch or write it again.`,
    );
  }
}

export class WrongMagicError extends DatasetError {
  constructor(
    readonly path: string,
    readonly expected: string,
    readonly found: string,
  ) {
    super(
      'wrong-magic',
      `${path} starts with ${found}, not with ${expected}. Check that it is the right file and the right kind.`,
    );
  }
}

export class NonFiniteValueError extends DatasetError {
  constructor(
    readonly path: string,
    /** NPY: row and column, counted from 0 (column: the index in the flat example). CSV: line and column, from 1. */
    readonly row: number,
    readonly column: number,
    readonly value: string,
    place: string,
  ) {
    super(
      'non-finite-value',
      `${path}, ${place}: ${value} is not a finite 32-bit number. Leave the example out or put a number there.`,
    );
  }
}

export class RaggedRowError extends DatasetError {
  constructor(
    readonly path: string,
    readonly line: number,
    readonly expectedColumns: number,
    readonly actualColumns: number,
  ) {
    const found = `${actualColumns} columns where the lines before have ${expectedColumns}`;
    super('ragged-row', `${path}, line ${line}: ${found}. Mend the line, or name the right delimiter.`);
  }
}

export class NotANumberError extends DatasetError {
  constructor(
    readonly path: string,
    readonly line: number,
    readonly column: number,
    readonly cell: string,
  ) {
    const hint = line === 1 ? ' If line 1 holds the names of the columns, say so: --header (or header: true).' : '';
    super(
      'not-a-number',
      `${path}, line ${line}, column ${column}: ${JSON.stringify(cell.slice(0, 40))} is not a number.${hint}`,
    );
  }
}

export class MixedImageSizesError extends DatasetError {
  constructor(
    readonly firstPath: string,
    readonly firstShape: readonly number[],
    readonly path: string,
    readonly shape: readonly number[],
  ) {
    super(
      'mixed-image-sizes',
      `${path} is ${shape.join('x')} but ${firstPath} is ${firstShape.join('x')} ` +
        '(height x width x channels). Bring all images to one size and colour mode.',
    );
  }
}

export class LabelCountError extends DatasetError {
  constructor(
    readonly examplesPath: string,
    readonly examples: number,
    readonly labelsPath: string,
    readonly labels: number,
  ) {
    super(
      'label-count',
      `${examplesPath} holds ${examples} examples but ${labelsPath} holds ${labels} labels. Check that they belong together.`,
    );
  }
}
