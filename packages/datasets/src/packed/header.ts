import { datasetSpecSchema } from '@elbo/protocol/run-spec';
import { z } from 'zod';
import { CorruptPackedFileError } from '../errors.js';

/**
 * The packed format, version 1, little-endian:
 *
 *   0   8 bytes  magic "ELBODATA"
 *   8   uint32   format version
 *   12  uint32   length of the JSON header, bytes
 *   16           JSON header (UTF-8), then zeros to a multiple of 16: here the data starts
 *   data         train values, train labels, test values, test labels, each padded with zeros to a multiple of 16
 *
 * Offsets in the header count from the start of the data. The SHA-256 of the whole file is its identity and name.
 */
export const packedMagic = 'ELBODATA';
export const packedVersion = 1;
export const preambleBytes = 16;
const alignment = 16;
export const maxHeaderBytes = 1 << 20;
/** One typed array must be able to span a file, on every Node we run on. */
export const maxPackedBytes = 2 ** 32 - alignment;
export const maxExampleValues = 1 << 24;
export const maxLabelNames = 4096;

export type StoredSplit = 'train' | 'test';

const splitSchema = z.strictObject({
  count: z.int().min(0),
  valuesOffset: z.int().min(0),
  /** Null in a data set without labels. */
  labelsOffset: z.int().min(0).nullable(),
});

export const packedHeaderSchema = z.strictObject({
  name: datasetSpecSchema.shape.name,
  /** Without the batch dimension: [28, 28] for MNIST. */
  exampleShape: z.array(z.int().min(1).max(maxExampleValues)).min(1).max(4),
  elementType: z.enum(['uint8', 'float32']),
  /** An example's value is the stored value times this. */
  scale: z.number().positive().max(1e6),
  /** Smallest and largest value of both splits, scaled. */
  valueRange: z.tuple([z.number(), z.number()]),
  labelType: z.enum(['uint8', 'uint16']).nullable(),
  /** What each label means, where the source names them. */
  labelNames: z.array(z.string().max(255)).max(maxLabelNames).nullable(),
  splits: z.strictObject({ train: splitSchema, test: splitSchema }),
});
export type PackedHeader = z.infer<typeof packedHeaderSchema>;
export type ElementType = PackedHeader['elementType'];
export type LabelType = NonNullable<PackedHeader['labelType']>;

export const elementBytes = { uint8: 1, uint16: 2, float32: 4 } as const;

export function alignUp(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}

export function dataDimOf(exampleShape: readonly number[]): number {
  return exampleShape.reduce((product, size) => product * size, 1);
}

/** Where everything lies, from the counts alone: there is one right layout for a header. */
export function layoutSplits(
  counts: Record<StoredSplit, number>,
  dataDim: number,
  elementType: ElementType,
  labelType: LabelType | null,
): { splits: PackedHeader['splits']; dataBytes: number } {
  let end = 0;
  const place = (count: number) => {
    const valuesOffset = end;
    end += alignUp(count * dataDim * elementBytes[elementType]);
    const labelsOffset = labelType === null ? null : end;
    if (labelType !== null) end += alignUp(count * elementBytes[labelType]);
    return { count, valuesOffset, labelsOffset };
  };
  const splits = { train: place(counts.train), test: place(counts.test) };
  return { splits, dataBytes: end };
}

/** Preamble and header, padded to where the data starts. */
export function encodeHeader(header: PackedHeader): Uint8Array {
  // Parsing orders the keys, so that one header has one spelling.
  const json = Buffer.from(JSON.stringify(packedHeaderSchema.parse(header)), 'utf8');
  const bytes = Buffer.alloc(alignUp(preambleBytes + json.length));
  bytes.write(packedMagic, 0, 'latin1');
  bytes.writeUInt32LE(packedVersion, 8);
  bytes.writeUInt32LE(json.length, 12);
  bytes.set(json, preambleBytes);
  return bytes;
}

/**
 * Checks the 16 bytes of the preamble against the length of the file.
 * @returns the length of the JSON header in bytes.
 * @throws CorruptPackedFileError
 */
export function decodePreamble(preamble: Uint8Array, fileBytes: number, path: string): number {
  const bytes = Buffer.from(preamble.subarray(0, preambleBytes));
  if (bytes.length < preambleBytes) throw new CorruptPackedFileError(path, `it has only ${bytes.length} bytes`);
  if (bytes.toString('latin1', 0, 8) !== packedMagic) throw new CorruptPackedFileError(path, 'its magic is wrong');
  const version = bytes.readUInt32LE(8);
  if (version !== packedVersion) {
    throw new CorruptPackedFileError(path, `it is of format version ${version}, not ${packedVersion}`);
  }
  const headerBytes = bytes.readUInt32LE(12);
  if (headerBytes > maxHeaderBytes || preambleBytes + headerBytes > fileBytes) {
    throw new CorruptPackedFileError(path, `a header of ${headerBytes} bytes does not fit in ${fileBytes}`);
  }
  return headerBytes;
}

/**
 * Reads the JSON header and checks every size and offset in it against the length of the file.
 * @returns the header, and where the data starts in bytes.
 * @throws CorruptPackedFileError
 */
export function decodeHeader(json: Uint8Array, fileBytes: number, path: string): [PackedHeader, number] {
  const text = Buffer.from(json).toString('utf8');
  const header = parseHeader(text, path);
  const dataDim = dataDimOf(header.exampleShape);
  if (dataDim > maxExampleValues) throw new CorruptPackedFileError(path, `its examples have ${dataDim} values`);
  const counts = { train: header.splits.train.count, test: header.splits.test.count };
  if (counts.train < 1) throw new CorruptPackedFileError(path, 'it has no training example');
  const { splits, dataBytes } = layoutSplits(counts, dataDim, header.elementType, header.labelType);
  if (JSON.stringify(splits) !== JSON.stringify(header.splits)) {
    throw new CorruptPackedFileError(path, 'its offsets do not follow from its counts');
  }
  const dataStart = alignUp(preambleBytes + json.length);
  const expected = dataStart + dataBytes;
  if (expected !== fileBytes) {
    throw new CorruptPackedFileError(path, `it has ${fileBytes} bytes where its header says ${expected}`);
  }
  return [header, dataStart];
}

function parseHeader(text: string, path: string): PackedHeader {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new CorruptPackedFileError(path, 'its header is not JSON', { cause });
  }
  const parsed = packedHeaderSchema.safeParse(value);
  if (!parsed.success) {
    throw new CorruptPackedFileError(path, `its header is not valid: ${z.prettifyError(parsed.error)}`);
  }
  // One spelling only: refuses duplicate keys and whatever else JSON.parse forgives.
  if (JSON.stringify(parsed.data) !== text) {
    throw new CorruptPackedFileError(path, 'its header is not in the canonical spelling');
  }
  return parsed.data;
}
