import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** The network between a browser and a coordinator: it can be cut, or silenced, and mended. */
export class BreakableProxy {
  #cut = false;
  #silent = false;
  readonly #sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly port: number,
  ) {
    server.on('connection', (browser) => this.#relay(browser));
  }

  static async start(port: number): Promise<BreakableProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new BreakableProxy(server, port);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Breaks every connection, and lets none be made. */
  cut(): void {
    this.#cut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Lets nothing through any more and breaks nothing, as a network does that loses all it is given. */
  silence(): void {
    this.#silent = true;
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  /** For new connections; those that were silenced stay so. */
  mend(): void {
    this.#cut = false;
    this.#silent = false;
  }

  async stop(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, 'close');
  }

  #relay(browser: Socket): void {
    if (this.#cut) return void browser.destroy();
    const coordinator = connect(this.port, '127.0.0.1');
    for (const [socket, other] of [
      [browser, coordinator],
      [coordinator, browser],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      if (!this.#silent) socket.pipe(other);
    }
  }
}
