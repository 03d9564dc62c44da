export interface CsvColumn {
  readonly name: string;
  /** The cell of a row: a whole number or a float32. */
  at(row: number): number;
}

const rowsPerPart = 4096;

/** A table as CSV (RFC 4180 with \n): a line of names, then a line a row. @returns the parts of the file */
export function encodeCsv(columns: readonly CsvColumn[], rows: number): readonly Uint8Array[] {
  const parts = [Buffer.from(`${columns.map(({ name }) => name).join(',')}\n`)];
  for (let begin = 0; begin < rows; begin += rowsPerPart) {
    let text = '';
    for (let row = begin; row < Math.min(begin + rowsPerPart, rows); row++) {
      text += `${columns.map((column) => float32Text(column.at(row))).join(',')}\n`;
    }
    parts.push(Buffer.from(text));
  }
  return parts;
}

/** The columns of a matrix [rows, size] by number: `mean0`, `mean1`, ... */
export function matrixColumns(prefix: string, values: ArrayLike<number>, size: number): CsvColumn[] {
  return Array.from({ length: size }, (_, j) => ({
    name: `${prefix}${j}`,
    at: (row) => values[row * size + j] as number,
  }));
}

/** The shortest text that reads back as the same float32. */
export function float32Text(value: number): string {
  if (Number.isInteger(value)) return String(value);
  for (let digits = 6; digits < 9; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === Math.fround(value)) return String(shorter);
  }
  return String(Number(value.toPrecision(9)));
}
