import { crc32 } from 'node:zlib';
import { FrameError } from '../errors.js';

/**
 * A frame of the data plane, in network byte order:
 *   0 magic "ELB1"   4 type   5 three zero bytes   8 header length   12 CRC-32 of the header
 *   16 payload length   20 CRC-32 of the payload   24 header (JSON, UTF-8), then the payload
 */
export const preambleBytes = 24;
/** Room for the term sums of 4,096 latent dimensions. */
export const maxHeaderBytes = 128 * 1024;
/** 2^28 parameters: 1 GiB. */
export const maxPayloadBytes = 2 ** 30;
const magic = 0x454c4231;

export const frameTypes = {
  hello: 1,
  ready: 2,
  taken: 3,
  dropped: 4,
  failed: 5,
  contribution: 6,
  ping: 7,
  welcome: 16,
  parameters: 17,
  parametersInMemory: 18,
  reply: 19,
  goodbye: 20,
  assign: 21,
} as const;
export type FrameType = (typeof frameTypes)[keyof typeof frameTypes];
const knownTypes: ReadonlySet<number> = new Set(Object.values(frameTypes));

/** The preamble and the header; the payload is written behind it, uncopied. `payloadCrc`: its CRC-32, when known. */
export function encodeFrameHead(
  type: FrameType,
  header: unknown,
  payload: Uint8Array | null,
  payloadCrc: number = payload === null ? 0 : crc32(payload),
): Buffer {
  const json = header === undefined ? '' : JSON.stringify(header);
  const headerBytes = Buffer.byteLength(json);
  if (headerBytes > maxHeaderBytes) {
    throw new FrameError(`a frame header of ${headerBytes} bytes is over the limit of ${maxHeaderBytes}`);
  }
  const head = Buffer.allocUnsafe(preambleBytes + headerBytes);
  head.write(json, preambleBytes);
  head.writeUInt32BE(magic, 0);
  head.writeUInt32BE(type * 0x1000000, 4);
  head.writeUInt32BE(headerBytes, 8);
  head.writeUInt32BE(crc32(head.subarray(preambleBytes)), 12);
  head.writeUInt32BE(payload?.length ?? 0, 16);
  head.writeUInt32BE(payloadCrc, 20);
  return head;
}

export interface FrameHandler {
  /**
   * The header of a frame is here. Returns where its payload goes (exactly as long as the payload), or null to skip
   * the payload; throws FrameError to refuse the frame and the connection with it.
   */
  head(type: FrameType, header: unknown, payloadBytes: number): Uint8Array | null;
  /** The frame is whole. `intact`: the payload has its checksum. */
  whole(type: FrameType, header: unknown, intact: boolean): void;
}

/** Reads frames from a byte stream, copying payloads straight into the memory that the handler names. */
export class FrameReader {
  readonly #head = Buffer.alloc(preambleBytes + maxHeaderBytes);
  #headFilled = 0;
  #headWanted = preambleBytes;
  #inPayload = false;
  #type: FrameType = frameTypes.ping;
  #header: unknown;
  #target: Uint8Array | null = null;
  #payloadBytes = 0;
  #payloadFilled = 0;
  #crc = 0;
  #expectedCrc = 0;
  #ended = false;

  constructor(private readonly handler: FrameHandler) {}

  /** @throws FrameError when the bytes are no frame of ours; the stream is of no more use then. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.#ended) {
      at = this.#inPayload ? this.#readPayload(chunk, at) : this.#readHead(chunk, at);
    }
  }

  /** Reads no more, of the chunk at hand neither. */
  end(): void {
    this.#ended = true;
  }

  #readHead(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#headWanted - this.#headFilled);
    chunk.copy(this.#head, this.#headFilled, at, end);
    this.#headFilled += end - at;
    if (this.#headFilled === preambleBytes && this.#headWanted === preambleBytes) this.#readPreamble();
    if (this.#headFilled === this.#headWanted) this.#startPayload();
    return end;
  }

  #readPreamble(): void {
    const head = this.#head;
    if (head.readUInt32BE(0) !== magic) throw new FrameError('not a frame: wrong magic number');
    const type = head.readUInt8(4);
    if (!knownTypes.has(type)) throw new FrameError(`unknown frame type ${type}`);
    if (head.readUIntBE(5, 3) !== 0) throw new FrameError('the reserved bytes of a frame are not zero');
    const headerBytes = head.readUInt32BE(8);
    if (headerBytes > maxHeaderBytes) {
      throw new FrameError(`a frame header of ${headerBytes} bytes is over the limit of ${maxHeaderBytes}`);
    }
    this.#payloadBytes = head.readUInt32BE(16);
    if (this.#payloadBytes > maxPayloadBytes) {
      throw new FrameError(`a frame payload of ${this.#payloadBytes} bytes is over the limit of ${maxPayloadBytes}`);
    }
    this.#expectedCrc = head.readUInt32BE(20);
    this.#type = type as FrameType;
    this.#headWanted = preambleBytes + headerBytes;
  }

  #startPayload(): void {
    const json = this.#head.subarray(preambleBytes, this.#headWanted);
    if (crc32(json) !== this.#head.readUInt32BE(12)) throw new FrameError('a frame header has a wrong checksum');
    this.#header = parseJson(json);
    this.#target = this.handler.head(this.#type, this.#header, this.#payloadBytes);
    if (this.#target !== null && this.#target.length !== this.#payloadBytes) {
      throw new FrameError(`a payload of ${this.#payloadBytes} bytes came where ${this.#target.length} were expected`);
    }
    this.#payloadFilled = 0;
    this.#crc = 0;
    this.#inPayload = true;
    if (this.#payloadBytes === 0) this.#finish();
  }

  #readPayload(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#payloadBytes - this.#payloadFilled);
    const part = chunk.subarray(at, end);
    if (this.#target !== null) {
      this.#target.set(part, this.#payloadFilled);
      this.#crc = crc32(part, this.#crc);
    }
    this.#payloadFilled += part.length;
    if (this.#payloadFilled === this.#payloadBytes) this.#finish();
    return end;
  }

  #finish(): void {
    const intact = this.#target === null || this.#crc === this.#expectedCrc;
    this.#inPayload = false;
    this.#headFilled = 0;
    this.#headWanted = preambleBytes;
    this.#target = null;
    this.handler.whole(this.#type, this.#header, intact);
  }
}

function parseJson(json: Buffer): unknown {
  if (json.length === 0) return undefined;
  try {
    return JSON.parse(json.toString('utf8'));
  } catch {
    throw new FrameError('a frame header is not JSON');
  }
}
