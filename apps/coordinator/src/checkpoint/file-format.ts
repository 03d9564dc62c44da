import { createHash } from 'node:crypto';
import type { RunSnapshot } from '@elbo/transport/conductor-transport';
import { CheckpointError } from '../errors.js';
import { maxHeaderBytes, readHeader, tensorBytes } from './header.js';

/**
 * A checkpoint file: 8 bytes `elbo-ckp`, 8 bytes length of the header (little-endian), 32 bytes SHA-256 of the header,
 * the header (JSON, padded with spaces to a multiple of 8), the tensors without a gap. The header holds the SHA-256 of
 * the tensors. A snapshot in Redis is the same header and the same tensors.
 */
const magic = Buffer.from('elbo-ckp');
const preambleBytes = 48;

/** A file, or something as good, that can be read from any place. */
export interface ByteSource {
  readonly size: number;
  /** Fills the target from there; resolves with how many bytes there were. */
  read(target: Uint8Array, position: number): Promise<number>;
}

/** What stands before the tensors. */
export function checkpointFileHead({ meta }: RunSnapshot): Uint8Array {
  const json = Buffer.from(meta);
  const header = Buffer.alloc(Math.ceil(json.length / 8) * 8, ' ');
  json.copy(header);
  const preamble = Buffer.alloc(preambleBytes);
  magic.copy(preamble);
  preamble.writeBigUInt64LE(BigInt(header.length), 8);
  createHash('sha256').update(header).digest().copy(preamble, 16);
  return Buffer.concat([preamble, header]);
}

/**
 * Reads a checkpoint file. Every length is checked before anything of that length is read or allocated.
 * @param maxTensorBytes What the run needs: a longer file is refused unread.
 * @throws CheckpointError
 */
export async function readCheckpointFile(
  source: ByteSource,
  where: string,
  maxTensorBytes: number,
): Promise<RunSnapshot> {
  const bad = (why: string) => new CheckpointError(where, 'damaged', why);
  const take = async (position: number, length: number, what: string) => {
    if (position + length > source.size) {
      throw bad(`it is cut off: its ${what} ends at byte ${position + length}, the file at ${source.size}`);
    }
    const bytes = Buffer.alloc(length);
    if ((await source.read(bytes, position)) !== length) throw bad(`its ${what} could not be read whole`);
    return bytes;
  };
  const preamble = await take(0, preambleBytes, 'preamble');
  if (!preamble.subarray(0, magic.length).equals(magic)) throw bad('it is no Elbo checkpoint');
  const headerBytes = preamble.readBigUInt64LE(8);
  if (headerBytes > BigInt(maxHeaderBytes)) throw bad(`a header of ${headerBytes} bytes is too long`);
  const header = await take(preambleBytes, Number(headerBytes), 'header');
  if (!createHash('sha256').update(header).digest().equals(preamble.subarray(16))) {
    throw bad('its header does not have its checksum');
  }
  const meta = header.toString('utf8').trimEnd();
  const parsed = readHeader(meta, where);
  const bytes = tensorBytes(parsed);
  const tensorsBegin = preambleBytes + header.length;
  if (tensorsBegin + bytes < source.size) throw bad(`${source.size - tensorsBegin - bytes} bytes follow its end`);
  if (bytes > maxTensorBytes) {
    throw new CheckpointError(
      where,
      'foreign',
      `it holds ${bytes} bytes of tensors, and this run has ${maxTensorBytes}`,
    );
  }
  return { step: parsed.step, meta, tensors: await take(tensorsBegin, bytes, 'tensors') };
}
