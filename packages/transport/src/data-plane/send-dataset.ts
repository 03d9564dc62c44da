import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const sliceBytes = 1024 * 1024;
/** A reader that takes nothing for so long is gone. */
const stuckDeadlineMs = 30_000;

/** Answers a request for a data set: whole, or from the byte on that a `Range: bytes=N-` names. */
export function sendDataset(bytes: Uint8Array, { headers }: IncomingMessage, response: ServerResponse): void {
  const [, digits] = /^bytes=(\d{1,15})-$/.exec(headers.range ?? '') ?? [];
  const from = Number(digits ?? 0);
  const common = { 'content-type': 'application/octet-stream', 'accept-ranges': 'bytes' };
  if (digits !== undefined && from >= bytes.length) {
    response.writeHead(416, { ...common, 'content-range': `bytes */${bytes.length}` }).end();
    return;
  }
  const range = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
  response.writeHead(digits === undefined ? 200 : 206, {
    ...common,
    ...(digits === undefined ? {} : range),
    'content-length': bytes.length - from,
  });
  response.setTimeout(stuckDeadlineMs, () => response.destroy());
  // A member that goes away in the middle is no fault of ours; it asks again, from where it was cut.
  pipeline(Readable.from(slices(bytes, from)), response).catch(() => response.destroy());
}

function* slices(bytes: Uint8Array, from: number): Generator<Uint8Array> {
  for (let at = from; at < bytes.length; at += sliceBytes) yield bytes.subarray(at, at + sliceBytes);
}
