import { type IncomingMessage, request } from 'node:http';
import { DatasetUnavailableError } from '../errors.js';
import { messageOf } from '../message-of.js';
import type { DatasetBytes } from '../worker-transport.js';
import { authorizationOf, newNonce } from './token-proof.js';

const idleDeadlineMs = 30_000;

export interface DatasetRequest {
  /** http://host:port */
  readonly conductor: string;
  readonly hash: string;
  readonly token: string;
  /** The first byte that is wanted: those before it are there from a fetch that was cut. */
  readonly from: number;
  readonly signal: AbortSignal;
}

/**
 * Asks a conductor for a packed data set from a byte on. Nothing of it is checked here but its length.
 * @throws DatasetUnavailableError
 */
export async function requestDataset(wanted: DatasetRequest): Promise<DatasetBytes> {
  const { hash, from } = wanted;
  const response = await get(wanted);
  const { statusCode, headers } = response;
  const refuse = (why: string): never => {
    response.destroy();
    throw new DatasetUnavailableError(hash, why, false);
  };
  if (statusCode === 416) {
    // What is there already is all there is, or more.
    const [, total] = /^bytes \*\/(\d{1,15})$/.exec(headers['content-range'] ?? '') ?? [];
    response.resume();
    return { totalBytes: total === undefined ? refuse('its answer names no length') : Number(total), chunks: none() };
  }
  if (statusCode !== 206) return refuse(`it answered ${statusCode}`);
  const [, first, last, total] = (
    /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(headers['content-range'] ?? '') ?? []
  ).map(Number);
  if (first !== from || total === undefined || last !== total - 1) {
    return refuse(`it sent ${headers['content-range'] ?? 'an unnamed part'} where bytes from ${from} on were wanted`);
  }
  return { totalBytes: total, chunks: chunksOf(response, hash, total - from) };
}

async function* none(): AsyncGenerator<Uint8Array> {}

async function* chunksOf(response: IncomingMessage, hash: string, bytes: number): AsyncGenerator<Uint8Array> {
  let came = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      came += chunk.length;
      if (came > bytes) throw new Error('it is longer than announced');
      yield chunk;
    }
  } catch (error) {
    throw new DatasetUnavailableError(hash, messageOf(error), true);
  } finally {
    response.destroy();
  }
  if (came < bytes) throw new DatasetUnavailableError(hash, `it ended ${bytes - came} bytes early`, true);
}

function get({ conductor, hash, token, from, signal }: DatasetRequest): Promise<IncomingMessage> {
  const path = `/v1/datasets/${hash}`;
  const authorization = authorizationOf(token, { path, address: conductor, nonces: [newNonce()] });
  return new Promise((resolve, reject) => {
    const outgoing = request(new URL(path, conductor), {
      headers: { authorization, range: `bytes=${from}-` },
      agent: false,
      signal,
    });
    outgoing.setTimeout(idleDeadlineMs, () => outgoing.destroy(new Error('no bytes for 30 seconds')));
    outgoing.on('response', resolve);
    outgoing.on('error', (error) => reject(new DatasetUnavailableError(hash, messageOf(error), true)));
    outgoing.end();
  });
}
