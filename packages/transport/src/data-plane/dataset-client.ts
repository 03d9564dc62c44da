import { createHash } from 'node:crypto';
import { type IncomingMessage, request } from 'node:http';
import { DatasetUnavailableError } from '../errors.js';

const maxDatasetBytes = 2 ** 35;
const idleDeadlineMs = 30_000;

/**
 * The packed data set with this SHA-256, as bytes on memory that threads share.
 * @throws DatasetUnavailableError
 */
export async function fetchDataset(conductor: string, hash: string, token: string): Promise<Uint8Array> {
  const response = await get(new URL(`/v1/datasets/${hash}`, conductor), hash, token);
  if (response.statusCode !== 200) {
    response.resume();
    throw new DatasetUnavailableError(hash, `it answered ${response.statusCode}`);
  }
  const length = Number(response.headers['content-length']);
  if (!Number.isSafeInteger(length) || length < 0 || length > maxDatasetBytes) {
    response.destroy();
    throw new DatasetUnavailableError(hash, `it announced ${response.headers['content-length']} bytes`);
  }
  const bytes = new Uint8Array(new SharedArrayBuffer(length));
  const digest = createHash('sha256');
  let filled = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      if (filled + chunk.length > length) throw new Error('it is longer than announced');
      bytes.set(chunk, filled);
      digest.update(chunk);
      filled += chunk.length;
    }
  } catch (error) {
    throw new DatasetUnavailableError(hash, error instanceof Error ? error.message : String(error));
  }
  if (filled !== length) throw new DatasetUnavailableError(hash, `it ended after ${filled} of ${length} bytes`);
  if (digest.digest('hex') !== hash) throw new DatasetUnavailableError(hash, 'its bytes do not have that SHA-256');
  return bytes;
}

function get(url: URL, hash: string, token: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { headers: { authorization: `Bearer ${token}` }, agent: false });
    outgoing.setTimeout(idleDeadlineMs, () => outgoing.destroy(new Error('no bytes for 30 seconds')));
    outgoing.on('response', resolve);
    outgoing.on('error', (error) => reject(new DatasetUnavailableError(hash, error.message)));
    outgoing.end();
  });
}
