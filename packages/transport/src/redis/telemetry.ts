import type { Telemetry } from 'bullmq';

/** What BullMQ tells of its queues and workers to OpenTelemetry. */
export type QueueTelemetry = Telemetry;

/** Loads it; whoever calls this has registered a tracer provider, or spans go nowhere. */
export async function loadQueueTelemetry(): Promise<QueueTelemetry> {
  const { BullMQOtel } = await import('bullmq-otel');
  return new BullMQOtel({ tracerName: 'elbo' });
}

/**
 * Runs something that puts jobs into a queue so that each call is a trace of its own: a run's millions of jobs would
 * otherwise be one trace, that of the run.
 */
export function asOwnTrace(telemetry: QueueTelemetry | undefined): <T>(add: () => Promise<T>) => Promise<T> {
  if (telemetry === undefined) return (add) => add();
  const { contextManager } = telemetry;
  const outside = contextManager.active();
  return (add) => contextManager.with(outside, add);
}
