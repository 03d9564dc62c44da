import type { QueueTelemetry } from '@elbo/transport/redis/telemetry';

/** An OpenTelemetry collector that does not answer must not keep a process from ending. */
const exportPatienceMs = 3000;

type Service = 'elbo-coordinator' | 'elbo-worker';

export interface Tracing {
  readonly telemetry: QueueTelemetry;
  /** Sends what is left, and resolves in any case. */
  stop(): Promise<void>;
}

/** Serves with the telemetry of startTracing, and stops it behind that. */
export async function withTracing(
  service: Service,
  endpoint: string | undefined,
  serve: (telemetry: QueueTelemetry | undefined) => Promise<void>,
): Promise<void> {
  const tracing = await startTracing(service, endpoint);
  try {
    await serve(tracing?.telemetry);
  } finally {
    await tracing?.stop();
  }
}

/**
 * Sends the traces of this process's queues to an OpenTelemetry collector over OTLP/HTTP. Null without an address, and
 * nothing of it is loaded then.
 * @param endpoint As in OTEL_EXPORTER_OTLP_ENDPOINT: http://host:4318
 */
export async function startTracing(service: Service, endpoint: string | undefined): Promise<Tracing | null> {
  if (!endpoint) return null;
  const [trace, { OTLPTraceExporter }, { resourceFromAttributes }, { loadQueueTelemetry }] = await Promise.all([
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
    import('@elbo/transport/redis/telemetry'),
  ]);
  const url = `${endpoint.replace(/\/$/, '')}/v1/traces`;
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: exportPatienceMs });
  const provider = new trace.NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': process.env.OTEL_SERVICE_NAME ?? service }),
    spanProcessors: [new trace.BatchSpanProcessor(exporter)],
  });
  provider.register();
  return {
    telemetry: await loadQueueTelemetry(),
    stop: () => provider.shutdown().catch(() => {}), // spans are lost then, and nothing else
  };
}
