/** Where each parameter of a model lies in the one flat Float32Array that holds them all. */
export interface ParameterEntry {
  /** For example `encoder.hidden0.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Index of its first element in the flat array. */
  readonly offset: number;
  readonly length: number;
}

export interface ParameterLayout {
  readonly entries: readonly ParameterEntry[];
  /** Elements in all. */
  readonly length: number;
}

/** Lays parameters out one behind the other, in the order given. */
export function layParametersOut(
  shapes: readonly (readonly [name: string, shape: readonly number[]])[],
): ParameterLayout {
  const entries: ParameterEntry[] = [];
  let offset = 0;
  for (const [name, shape] of shapes) {
    const length = shape.reduce((product, size) => product * size, 1);
    entries.push({ name, shape, offset, length });
    offset += length;
  }
  return { entries, length: offset };
}

/** The parameter that an element of the flat array belongs to; undefined for an index beyond them. */
export function parameterAt({ entries }: ParameterLayout, index: number): ParameterEntry | undefined {
  return entries.find(({ offset, length }) => index >= offset && index < offset + length);
}

/** The part of `flat` that holds one parameter: a view, not a copy. */
export function parameterView(flat: Float32Array, entry: ParameterEntry): Float32Array {
  return flat.subarray(entry.offset, entry.offset + entry.length);
}
