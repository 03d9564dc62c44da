import { createReadStream } from 'node:fs';

/*
 * TFRecord, the format of TensorBoard's event files: for each record its length (8 bytes), a checksum of the length (4),
 * the record, a checksum of the record (4); little-endian.
 */
const headBytes = 12;
const footBytes = 4;
const longestRecord = 64 * 1024 * 1024;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ 0x82f63b78 : remainder >>> 1;
  return remainder;
});

/** CRC-32C (Castagnoli). */
export function crc32c(bytes: Uint8Array): number {
  let remainder = 0xffff_ffff;
  for (const byte of bytes) remainder = (table[(remainder ^ byte) & 255] as number) ^ (remainder >>> 8);
  return (remainder ^ 0xffff_ffff) >>> 0;
}

/** As the format stores it: rotated and shifted, so that a checksum of data with checksums in it still tells. */
function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

export function encodeRecord(data: Uint8Array): Uint8Array {
  const record = Buffer.alloc(headBytes + data.length + footBytes);
  record.writeBigUInt64LE(BigInt(data.length), 0);
  record.writeUInt32LE(maskedCrc(record.subarray(0, 8)), 8);
  record.set(data, headBytes);
  record.writeUInt32LE(maskedCrc(data), headBytes + data.length);
  return record;
}

/** Whole records, with the byte behind each; a torn or damaged one, and all behind it, is left out. */
export async function* readRecords(path: string): AsyncGenerator<{ data: Uint8Array; end: number }> {
  let rest: Buffer = Buffer.alloc(0);
  let end = 0;
  for await (const part of createReadStream(path)) {
    rest = Buffer.concat([rest, part as Buffer]);
    let begin = 0;
    while (rest.length - begin >= headBytes) {
      const record = rest.subarray(begin);
      const length = Number(record.readBigUInt64LE(0));
      if (record.readUInt32LE(8) !== maskedCrc(record.subarray(0, 8)) || length > longestRecord) return;
      const size = headBytes + length + footBytes;
      if (record.length < size) break;
      const data = record.subarray(headBytes, headBytes + length);
      if (record.readUInt32LE(headBytes + length) !== maskedCrc(data)) return;
      begin += size;
      end += size;
      yield { data, end };
    }
    rest = rest.subarray(begin);
  }
}
