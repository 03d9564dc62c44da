import type { WriteStream } from 'node:tty';
import type { EventSink, TextOutput } from './event-sink.js';
import { JsonLines } from './json-lines.js';
import { LiveTerminal } from './live-terminal.js';
import { PlainLines } from './plain-lines.js';
import { styleFor } from './style.js';

export interface RendererOptions {
  readonly json: boolean;
  readonly quiet: boolean;
}

/** `--json`, live on a terminal, plain lines everywhere else. */
export function chooseRenderer(
  options: RendererOptions,
  output: TextOutput & Partial<Pick<WriteStream, 'isTTY'>> = process.stdout,
  environment: NodeJS.ProcessEnv = process.env,
): EventSink {
  if (options.json) return new JsonLines(output);
  const live = output.isTTY === true && environment.TERM !== 'dumb' && !options.quiet;
  return live ? new LiveTerminal(output, styleFor(environment)) : new PlainLines(output, options.quiet);
}
