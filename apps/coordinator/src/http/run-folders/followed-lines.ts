import type { ZodType } from 'zod';
import { openRunFile } from './run-folders.js';

const newline = 0x0a;
const longestLine = 1024 * 1024;
const chunkBytes = 64 * 1024;

export interface LineReader {
  /** The file is another one, or shorter than what was read of it: what was told before is void. */
  onReset(inode: number): void;
  /** @param end the byte behind the line */
  onLine(line: Buffer, end: number): void;
}

/** A growing file of a run folder, line by line: each time only what was added. */
export class FollowedLines {
  #inode = 0;
  #readBytes = 0;

  constructor(
    private readonly runFolder: string,
    private readonly name: string,
    private readonly reader: LineReader,
  ) {}

  /** Reads on to the last whole line; of what is torn behind it more may come. One call at a time. */
  async readOn(): Promise<void> {
    const opened = await openRunFile(this.runFolder, this.name);
    if (opened === null) return this.#reset(0);
    const { file, bytes, inode } = opened;
    try {
      // A run that went on after a take-over has another file, without what was taken back.
      if (inode !== this.#inode || bytes < this.#readBytes) this.#reset(inode);
      if (bytes === this.#readBytes) return;
      const added = { start: this.#readBytes, end: bytes - 1, highWaterMark: chunkBytes, autoClose: false };
      await this.#take(file.createReadStream(added));
    } finally {
      await file.close();
    }
  }

  #reset(inode: number): void {
    this.#inode = inode;
    this.#readBytes = 0;
    this.reader.onReset(inode);
  }

  async #take(content: AsyncIterable<Buffer>): Promise<void> {
    let rest: Buffer = Buffer.alloc(0);
    for await (const part of content) {
      const bytes = rest.length === 0 ? part : Buffer.concat([rest, part]);
      let begin = 0;
      for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, begin)) {
        this.#readBytes += at + 1 - begin;
        this.reader.onLine(bytes.subarray(begin, at), this.#readBytes);
        begin = at + 1;
      }
      rest = bytes.subarray(begin);
      if (rest.length > longestLine) throw new Error(`a line of ${this.name} in ${this.runFolder} has no end`);
    }
  }
}

/** What a line holds; null when that is not what the schema says: it is not ours, and what reads it goes on without. */
export function readLine<Event>(line: Buffer, schema: ZodType<Event>): Event | null {
  try {
    return schema.safeParse(JSON.parse(line.toString())).data ?? null;
  } catch {
    return null; // not JSON
  }
}

/** Whether a line is an event of this kind: seen without reading the line. */
export function isEventLine(line: Buffer, kind: 'step' | 'epoch'): boolean {
  return startsWith(line, eventStarts[kind]);
}

const eventStarts = { step: Buffer.from('{"event":"step"'), epoch: Buffer.from('{"event":"epoch"') };

function startsWith(line: Buffer, start: Buffer): boolean {
  return line.length > start.length && line.compare(start, 0, start.length, 0, start.length) === 0;
}
