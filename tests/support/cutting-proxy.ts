import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A wire between workers and a conductor that breaks when so many bytes have come down a connection. */
export class CuttingProxy {
  cuts = 0;
  /** The Range header of each request that went up. */
  readonly ranges: string[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly afterBytes: number,
    private readonly times: number,
  ) {}

  static async start(afterBytes: number, times: number): Promise<CuttingProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new CuttingProxy(server, afterBytes, times);
  }

  get address(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Where the conductor listens. */
  to(port: number): void {
    this.server.on('connection', (worker) => this.#relay(worker, connect(port, '127.0.0.1')));
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }

  #relay(worker: Socket, conductor: Socket): void {
    let down = 0;
    for (const [socket, other] of [
      [worker, conductor],
      [conductor, worker],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.end();
      });
    }
    worker.on('data', (chunk: Buffer) => {
      const range = /^range: (.*?)\r$/im.exec(chunk.toString('latin1'))?.[1];
      if (range !== undefined) this.ranges.push(range);
      conductor.write(chunk);
    });
    conductor.on('data', (chunk: Buffer) => {
      down += chunk.length;
      const left = chunk.length - (down - this.afterBytes);
      if (this.cuts < this.times && left < chunk.length) {
        this.cuts += 1;
        conductor.removeAllListeners('data').destroy();
        worker.end(chunk.subarray(0, left));
        return;
      }
      if (!worker.write(chunk)) {
        conductor.pause();
        worker.once('drain', () => conductor.resume());
      }
    });
  }
}
