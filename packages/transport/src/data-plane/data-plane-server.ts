import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import type { Duplex } from 'node:stream';
import { CannotListenError } from '../errors.js';
import type { Logger } from '../log.js';
import { MemberSession } from './member-session.js';
import type { RefusalCounter } from './refusal-counter.js';
import type { RunEndpoint } from './run-endpoint.js';
import { sendDataset } from './send-dataset.js';
import { authorizedNonce, isProof, newNonce, proofOf } from './token-proof.js';

export interface DataPlaneOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly token: string;
  /** http://host:port as workers reach it, when that is not where it listens. */
  readonly advertise?: string | undefined;
}

/** What a stranger may cost: a few kilobytes, for a few seconds. Deadlines are looked at every second. */
const serverLimits = {
  maxHeaderSize: 8192,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1000,
} as const;
const maxConnections = 4096;
const clientErrorStatus: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

interface Refused {
  readonly status: number;
  readonly reason: string;
}

/**
 * The coordinator's HTTP server: memberships and data sets of all the runs that it conducts. `GET /healthz` is for
 * probes: it wants no token and says only that the server answers.
 */
export class DataPlaneServer {
  readonly address: string;
  readonly #runs = new Map<string, RunEndpoint>();

  private constructor(
    private readonly server: Server,
    private readonly options: DataPlaneOptions,
    private readonly refusals: RefusalCounter,
    private readonly logger: Logger,
  ) {
    this.address = options.advertise ?? reachableAddress(server.address() as AddressInfo);
    server.on('request', (request, response) => this.#onRequest(request, response));
    server.on('upgrade', (request, stream, head) => this.#onUpgrade(request, stream, head));
    server.on('clientError', (error: NodeJS.ErrnoException, stream) => {
      refusals.count('bad-request');
      refuseStream(stream, clientErrorStatus[error.code ?? ''] ?? 400);
    });
  }

  /** @throws CannotListenError */
  static async listen(options: DataPlaneOptions, refusals: RefusalCounter, logger: Logger): Promise<DataPlaneServer> {
    const server = createServer(serverLimits);
    server.maxConnections = maxConnections;
    server.listen(options.port, options.host);
    try {
      await once(server, 'listening');
    } catch (error) {
      throw new CannotListenError(`${options.host}:${options.port}`, { cause: error as NodeJS.ErrnoException });
    }
    return new DataPlaneServer(server, options, refusals, logger);
  }

  add(endpoint: RunEndpoint): void {
    this.#runs.get(endpoint.run.runId)?.close();
    this.#runs.set(endpoint.run.runId, endpoint);
  }

  remove(endpoint: RunEndpoint): void {
    if (this.#runs.get(endpoint.run.runId) === endpoint) this.#runs.delete(endpoint.run.runId);
  }

  async close(): Promise<void> {
    for (const endpoint of this.#runs.values()) endpoint.close();
    this.#runs.clear();
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  #onUpgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    stream.on('error', () => stream.destroy());
    const endpoint = this.#endpointFor(request);
    if ('status' in endpoint) {
      this.#count(request, endpoint);
      refuseStream(stream, endpoint.status);
      return;
    }
    const { token } = this.options;
    const exchange = { path: request.url ?? '', address: this.address, nonces: [endpoint.nonce, newNonce()] };
    const proof = `${exchange.nonces[1]}.${proofOf(token, 'conductor', exchange)}`;
    stream.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: elbo-member\r\nElbo-Proof: ${proof}\r\n\r\n`,
    );
    new MemberSession(endpoint.run, stream, head, (hello) => isProof(hello, token, 'member', exchange));
  }

  #endpointFor({ headers, url = '' }: IncomingMessage): { run: RunEndpoint; nonce: string } | Refused {
    const nonce = authorizedNonce(headers, this.options.token, { path: url, address: this.address });
    if (nonce === null) return { status: 401, reason: 'bad-token' };
    const match = /^\/v1\/runs\/([a-z0-9-]{1,64})\/member$/.exec(url);
    if (match === null || headers.upgrade !== 'elbo-member') return { status: 400, reason: 'bad-request' };
    const run = this.#runs.get(match[1] as string);
    if (run === undefined) return { status: 404, reason: 'unknown-run' };
    if (headers['elbo-lease'] !== String(run.lease.token)) return { status: 409, reason: 'deposed-lease' };
    return { run, nonce };
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    if (request.method === 'GET' && request.url === '/healthz') {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"ok"}\n');
      return;
    }
    const bytes = this.#datasetFor(request);
    if ('status' in bytes) {
      this.#count(request, bytes);
      response.writeHead(bytes.status, { 'content-type': 'text/plain', connection: 'close' });
      response.end(`${STATUS_CODES[bytes.status]}\n`);
      return;
    }
    sendDataset(bytes, request, response);
  }

  #datasetFor({ headers, method, url = '' }: IncomingMessage): Uint8Array | Refused {
    const nonce = authorizedNonce(headers, this.options.token, { path: url, address: this.address });
    if (nonce === null) return { status: 401, reason: 'bad-token' };
    const match = /^\/v1\/datasets\/([0-9a-f]{64})$/.exec(url);
    if (method !== 'GET' || match === null) return { status: 404, reason: 'bad-request' };
    for (const endpoint of this.#runs.values()) {
      const bytes = endpoint.hooks.datasetBytes(match[1] as string);
      if (bytes !== null) return bytes;
    }
    return { status: 404, reason: 'unknown-dataset' };
  }

  #count(request: IncomingMessage, { status, reason }: Refused): void {
    this.refusals.count(reason);
    const { method, url, socket } = request;
    this.logger.warn({ method, url, from: socket.remoteAddress, status, reason }, 'refused a request');
  }
}

function refuseStream(stream: Duplex, status: number): void {
  if (!stream.writable) return;
  stream.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  stream.once('finish', () => stream.destroy());
}

function reachableAddress({ address, family, port }: AddressInfo): string {
  if (address === '0.0.0.0' || address === '::') return `http://${hostname()}:${port}`;
  return family === 'IPv6' ? `http://[${address}]:${port}` : `http://${address}:${port}`;
}
