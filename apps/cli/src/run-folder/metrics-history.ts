import { createReadStream } from 'node:fs';
import { open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type RunEvent, runEventSchema } from '@elbo/protocol/events';
import { syncFolder, temporaryName } from './write-file-atomically.js';

const newline = 0x0a;
const longestLine = 16 * 1024 * 1024;

export interface MetricsHistory {
  /** Where the first event of a later step, or what cannot be read, begins. */
  readonly keptBytes: number;
  /** The last step that is kept; 0 when there is none. */
  readonly lastStep: number;
}

/**
 * Reads metrics.ndjson up to the last event of a step: what follows it, a line that was torn when a process died
 * included, is not kept. Nothing is kept of step 0.
 * @param epochReported Whether the report of an epoch that ends with that step is kept.
 * @param onEvent Told of every event that is kept, in order: a long run has more of them than memory should hold.
 */
export async function readMetricsUpTo(
  path: string,
  step: number,
  epochReported: boolean,
  onEvent: (event: RunEvent) => void,
): Promise<MetricsHistory> {
  let kept = { keptBytes: 0, lastStep: 0 };
  /** Kept if a step follows that is. */
  let between: RunEvent[] = [];
  for await (const { line, end } of linesOf(path)) {
    const event = readEvent(line);
    if (!event) break;
    between.push(event);
    if (event.event !== 'step' && event.event !== 'epoch') continue;
    if (event.step > step || (event.event === 'epoch' && event.step === step && !epochReported)) break;
    for (const each of between) onEvent(each);
    between = [];
    kept = { keptBytes: end, lastStep: event.step };
  }
  return kept;
}

/**
 * Puts a copy of its first bytes in the place of the file. A conductor that was deposed and does not know it yet has
 * the old file open: what it still appends goes nowhere.
 */
export async function replaceByItsBeginning(path: string, bytes: number): Promise<void> {
  const temporary = temporaryName(path);
  const file = await open(temporary, 'w');
  try {
    if (bytes > 0) {
      for await (const part of createReadStream(path, { end: bytes - 1 })) await file.writeFile(part as Buffer);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

/** Whole lines, with the byte behind each; the rest of a torn one at the end is left out. */
async function* linesOf(path: string): AsyncGenerator<{ line: string; end: number }> {
  if (!(await stat(path).catch(() => null))) return;
  let rest: Buffer = Buffer.alloc(0);
  let end = 0;
  for await (const part of createReadStream(path)) {
    const bytes = rest.length === 0 ? (part as Buffer) : Buffer.concat([rest, part as Buffer]);
    let begin = 0;
    for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, begin)) {
      end += at + 1 - begin;
      yield { line: bytes.toString('utf8', begin, at), end };
      begin = at + 1;
    }
    rest = bytes.subarray(begin);
    if (rest.length > longestLine) return;
  }
}

function readEvent(line: string): RunEvent | null {
  try {
    return runEventSchema.parse(JSON.parse(line));
  } catch {
    return null; // torn, or not ours: the file is kept up to here
  }
}
