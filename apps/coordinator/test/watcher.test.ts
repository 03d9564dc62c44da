import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { type Frame, frameOf } from '@elbo/coordinator/http/streams/frame';
import { Watcher } from '@elbo/coordinator/http/streams/watcher';
import { afterEach, describe, expect, it } from 'vitest';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** The server's side of a real connection, and the client's, which reads only when it is told to. */
async function connection() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const asked = once(server, 'request') as Promise<[unknown, ServerResponse]>;
  const client = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }).pause();
  client.on('error', () => {});
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  const [, response] = await asked;
  closing.push(() => {
    client.destroy();
    server.closeAllConnections();
    server.close();
  });
  return { response, client };
}

const frame = (id: number, bytes = 16): Frame => frameOf('notice', 'x'.repeat(bytes), `${id}`);
const idsIn = (text: string) => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));

async function read(client: Awaited<ReturnType<typeof connection>>['client'], lastId: number): Promise<number[]> {
  let text = '';
  for await (const part of client.resume()) {
    text += part;
    if (idsIn(text).includes(lastId)) break;
  }
  return idsIn(text);
}

describe('a watcher', () => {
  it('gets what comes first before what came meanwhile, and nothing twice', async () => {
    const { response, client } = await connection();
    const watcher = new Watcher(response);
    for (const id of [3, 4, 5, 6]) watcher.send(frame(id));
    await watcher.sendFirst([1, 2, 3, 4].map((id) => frame(id)));
    for (const id of [7, 8]) watcher.send(frame(id));
    expect(await read(client, 8)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('is not told again what it got first, though the stream comes to it later', async () => {
    const { response, client } = await connection();
    const watcher = new Watcher(response);
    await watcher.sendFirst([1, 2, 3, 4].map((id) => frame(id)));
    for (const id of [3, 4, 5, 6]) watcher.send(frame(id));
    expect(await read(client, 6)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('that reads nothing is dropped before it costs much memory', async () => {
    const { response } = await connection();
    const watcher = new Watcher(response);
    await watcher.sendFirst([]);
    const large = frame(1, 64 * 1024);
    let unread = 0;
    // The system takes some megabytes of what nobody reads.
    for (let i = 0; i < 1000 && !watcher.gone; i++) {
      watcher.send(large);
      unread = Math.max(unread, response.writableLength);
      await new Promise(setImmediate);
    }
    expect(watcher.gone).toBe(true);
    expect(unread).toBeLessThan(2 * 1024 * 1024);
  });

  it('that waits for what comes first is dropped when too much comes meanwhile', async () => {
    const { response } = await connection();
    const watcher = new Watcher(response);
    for (let i = 0; i < 20; i++) watcher.send(frame(i, 64 * 1024));
    expect(watcher.gone).toBe(true);
  });
});
