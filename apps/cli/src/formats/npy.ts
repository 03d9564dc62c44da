export type NpyValues = Float32Array | Uint8Array | Uint16Array;

/**
 * An array in NumPy's format, version 1.0 (NEP 1): little-endian, C order, the values from a multiple of 64 bytes on.
 * @returns the parts of the file; the second is a view of `values`.
 * @throws RangeError when the values are not as many as the shape says
 */
export function encodeNpy(values: NpyValues, shape: readonly number[]): readonly Uint8Array[] {
  const wanted = shape.reduce((product, size) => product * size, 1);
  if (values.length !== wanted) throw new RangeError(`${values.length} values do not fill [${shape.join(', ')}]`);
  // A tuple of one has a comma.
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dict = `{'descr': '${descrOf(values)}', 'fortran_order': False, 'shape': (${tuple}), }`;
  const padded = dict.padEnd(Math.ceil((preambleBytes + dict.length + 1) / 64) * 64 - preambleBytes - 1);
  const head = Buffer.alloc(preambleBytes + padded.length + 1, `\n`);
  head.write('\x93NUMPY\x01\x00', 0, 'latin1');
  head.writeUInt16LE(padded.length + 1, 8);
  head.write(padded, preambleBytes, 'latin1');
  return [head, new Uint8Array(values.buffer, values.byteOffset, values.byteLength)];
}

const preambleBytes = 10;

function descrOf(values: NpyValues): string {
  if (values instanceof Float32Array) return '<f4';
  return values instanceof Uint8Array ? '|u1' : '<u2';
}
