import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ElboProcess } from '../support/elbo.js';
import { redisForTests, startTestRedis, type TestRedis } from '../support/redis.js';

interface Span {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly queue: string | undefined;
}
interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string };
}
interface ExportedTraces {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<Span, 'service' | 'queue'> & { readonly attributes: readonly Attribute[] })[];
    }[];
  }[];
}

/** A collector that takes OTLP over HTTP as JSON, and keeps the spans. */
class Collector {
  readonly spans: Span[] = [];
  private constructor(private readonly server: Server) {
    server.on('request', async (request: IncomingMessage, response) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const body = Buffer.concat(parts);
      const plain = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
      if (request.url === '/v1/traces') this.#take(JSON.parse(plain.toString('utf8')));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  }

  static async start(): Promise<Collector> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Collector(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
  }

  #take({ resourceSpans }: ExportedTraces): void {
    const text = (attributes: readonly Attribute[], key: string) =>
      attributes.find((attribute) => attribute.key === key)?.value.stringValue;
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = text(resource.attributes, 'service.name') ?? '';
      for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
        this.spans.push({ ...span, service, queue: text(span.attributes, 'bullmq.queue.name') });
      }
    }
  }
}

/** Says at the end of each process whether it has loaded anything of OpenTelemetry. */
const tellsWhatIsLoaded = `--import=data:text/javascript,${encodeURIComponent(`
  import { Module } from 'node:module';
  process.on('exit', () => {
    const loaded = Object.keys(Module._cache).filter((path) => /opentelemetry|bullmq-otel/.test(path));
    process.stderr.write('LOADED ' + loaded.length + '\\n');
  });
`)}`;

describe.skipIf(!redisForTests)('the traces of a run through Redis', () => {
  let redis: TestRedis;
  let collector: Collector;
  let root = '';
  beforeAll(async () => {
    [redis, collector] = await Promise.all([startTestRedis(), Collector.start()]);
    root = await mkdtemp(join(tmpdir(), 'elbo-traces-'));
  });
  afterAll(async () => {
    await collector.stop();
    await redis.stop();
    await rm(root, { recursive: true, force: true });
  });

  async function train(name: string, environment: NodeJS.ProcessEnv) {
    const { OTEL_EXPORTER_OTLP_ENDPOINT: _none, ...inherited } = process.env;
    const spec = ['mnist', '--limit', '640', '--hidden', '16', '--epochs', '1'];
    const flags = ['--redis', redis.url, '--workers', '1', '--threads', '1', '--out', join(root, name)];
    const child = new ElboProcess(['train', ...spec, ...flags], {
      ...inherited,
      NODE_OPTIONS: tellsWhatIsLoaded,
      ...environment,
    });
    const result = await child.result;
    expect(result.exitCode, result.stderr).toBe(0);
    const loaded = [...result.stderr.matchAll(/LOADED (\d+)/g)].map(([, count]) => Number(count));
    return { sha256: result.finished?.parametersSha256, loaded };
  }

  it('reach a collector from coordinator and worker, a trace for each shard; without an address nothing is loaded', async () => {
    const plain = await train('plain', { OTEL_EXPORTER_OTLP_ENDPOINT: undefined });
    expect(plain.loaded).toEqual([0, 0]);
    expect(collector.spans).toEqual([]);

    const traced = await train('traced', { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    expect(traced.sha256).toBe(plain.sha256);
    expect(Math.min(...traced.loaded)).toBeGreaterThan(0);

    const { spans } = collector;
    expect(new Set(spans.map(({ service }) => service))).toEqual(new Set(['elbo-coordinator', 'elbo-worker']));
    expect(new Set(spans.map(({ queue }) => queue).filter(Boolean))).toEqual(new Set(['runs', 'shards']));
    const processed = spans.filter(({ service, name }) => service === 'elbo-worker' && /^process/.test(name));
    const added = spans.filter(({ service, name }) => service === 'elbo-coordinator' && /^add.*shards/.test(name));
    // Five steps of one shard, and the evaluation.
    expect(processed.length).toBeGreaterThanOrEqual(6);
    const traces = new Set(added.map(({ traceId }) => traceId));
    for (const span of processed) expect(traces, JSON.stringify(span)).toContain(span.traceId);
    // The run's own trace is not that of its shards.
    const ofRuns = spans.filter(({ queue }) => queue === 'runs').map(({ traceId }) => traceId);
    for (const traceId of ofRuns) expect(traces).not.toContain(traceId);
  });

  it('that nobody takes are lost, and nothing else', async () => {
    const nobody = await Collector.start();
    const { url } = nobody;
    await nobody.stop();
    const untraced = await train('nobody', { OTEL_EXPORTER_OTLP_ENDPOINT: url });
    expect(untraced.sha256).toMatch(/^[0-9a-f]{64}$/);
  });
});
