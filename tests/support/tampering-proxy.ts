import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A wire between workers and a conductor that changes one bit of every so-many bytes going up, a few times. */
export class TamperingProxy {
  /** Bits it has changed. */
  changed = 0;
  #up = 0;
  #target = 0;

  private constructor(
    private readonly server: Server,
    private readonly everyBytes: number,
    private readonly times: number,
  ) {
    server.on('connection', (worker) => this.#relay(worker));
  }

  static async start(everyBytes: number, times: number): Promise<TamperingProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new TamperingProxy(server, everyBytes, times);
  }

  get address(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Where the conductor listens. */
  to(port: number): void {
    this.#target = port;
  }

  stop(): void {
    this.server.close();
  }

  #relay(worker: Socket): void {
    const conductor = connect(this.#target, '127.0.0.1');
    worker.on('error', () => conductor.destroy()).on('close', () => conductor.destroy());
    conductor.on('error', () => worker.destroy()).on('close', () => worker.destroy());
    conductor.on('data', (chunk) => void worker.write(chunk));
    worker.on('data', (chunk: Buffer) => void conductor.write(this.#tamper(chunk)));
  }

  /** Changes only chunks that are large: those lie within a tensor, not in a header. */
  #tamper(chunk: Buffer): Buffer {
    this.#up += chunk.length;
    if (this.changed < this.times && chunk.length >= 32_768 && this.#up >= this.everyBytes * (this.changed + 1)) {
      const middle = chunk.length >> 1;
      chunk[middle] = (chunk[middle] as number) ^ 1;
      this.changed++;
    }
    return chunk;
  }
}
