import type { LabelType } from './header.js';

/** Examples as an importer or a generator hands them over. */
export interface ExampleTable {
  /** For messages: the file or folder they came from. */
  readonly source: string;
  readonly count: number;
  readonly exampleShape: readonly number[];
  /** Unscaled. [count, ...exampleShape] */
  readonly values: Uint8Array | Float32Array;
  /** [count] */
  readonly labels: Uint8Array | Uint16Array | null;
  readonly labelNames: readonly string[] | null;
  /** What the source calls the values of an example, where it names them. [dataDim] */
  readonly columnNames?: readonly string[];
}

export function labelTypeOf(labels: Uint8Array | Uint16Array): LabelType {
  return labels instanceof Uint8Array ? 'uint8' : 'uint16';
}

/** The narrowest array that holds the labels. Every label is a whole number from 0 to 65535. */
export function packLabels(labels: ArrayLike<number>): Uint8Array | Uint16Array {
  for (let i = 0; i < labels.length; i++) if (labels[i]! > 255) return Uint16Array.from(labels);
  return Uint8Array.from(labels);
}
