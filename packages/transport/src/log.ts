import { type Logger, pino } from 'pino';

export type { Logger };

/** Logs go to standard error: standard output belongs to run events. */
export function defaultLogger(name: string): Logger {
  return pino({ name, level: process.env.ELBO_LOG_LEVEL ?? 'warn' }, pino.destination({ dest: 2, sync: true }));
}
