import type { RunEvent } from '@elbo/protocol/events';

/** Whatever takes a run's events: a screen, a pipe, the run folder. `handle` returns at once. */
export interface EventSink {
  handle(event: RunEvent): void;
  close(): void;
}

/** The part of a terminal or a pipe that a renderer writes to. */
export interface TextOutput {
  write(text: string): unknown;
  /** Of a terminal: its width. */
  readonly columns?: number | undefined;
}

/** The notice that says why the run goes through this transport; it comes before `run-started`. */
export const transportNoticeCode = 'transport';
