import { type FileHandle, open } from 'node:fs/promises';
import type { RunEvent } from '@elbo/protocol/events';
import { notWritten } from './write-file-atomically.js';

const bytesBeforeWrite = 64 * 1024;
const millisecondsBeforeWrite = 1000;

/** metrics.ndjson: events appended in order, in few writes, and on the disk at every epoch. */
export class MetricsLog {
  private lines: string[] = [];
  private length = 0;
  private lastWriteAt = 0;
  private writing: Promise<void> = Promise.resolve();
  private failure: unknown = null;
  private reported = false;

  private constructor(
    private readonly path: string,
    private readonly file: FileHandle,
  ) {}

  static async open(path: string): Promise<MetricsLog> {
    const file = await open(path, 'a').catch((error: unknown) => {
      throw notWritten(path, error);
    });
    return new MetricsLog(path, file);
  }

  /**
   * Returns at once. A write that failed is thrown by the next call, once: what follows (the event that the run
   * failed) must reach the other listeners. @throws RunFolderError
   */
  append(event: RunEvent): void {
    this.throwFailure();
    if (this.failure) return;
    const line = `${JSON.stringify(event)}\n`;
    this.lines.push(line);
    this.length += line.length;
    const due = this.length >= bytesBeforeWrite || event.time - this.lastWriteAt >= millisecondsBeforeWrite;
    if (event.event === 'step' && !due) return;
    this.lastWriteAt = event.time;
    this.startWrite(event.event !== 'step');
  }

  /** Resolves when all that was appended is on the disk. @throws RunFolderError */
  async flush(): Promise<void> {
    this.startWrite(true);
    await this.writing;
    this.throwFailure();
  }

  async close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      await this.file.close();
    }
  }

  private startWrite(sync: boolean): void {
    const text = this.lines.join('');
    this.lines = [];
    this.length = 0;
    this.writing = this.writing
      .then(async () => {
        if (this.failure) return;
        if (text) await this.file.appendFile(text);
        if (sync) await this.file.datasync();
      })
      .catch((error: unknown) => {
        this.failure = error;
      });
  }

  private throwFailure(): void {
    if (!this.failure || this.reported) return;
    this.reported = true;
    throw notWritten(this.path, this.failure);
  }
}
