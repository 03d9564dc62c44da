import type { RunEvent } from '@elbo/protocol/events';
import { AppendedFile } from './appended-file.js';

const bytesBeforeWrite = 64 * 1024;
const millisecondsBeforeWrite = 1000;

/** metrics.ndjson: events appended in order, in few writes, and on the disk at every epoch. */
export class MetricsLog {
  private lastWriteAt = 0;

  private constructor(private readonly file: AppendedFile) {}

  /** @throws RunFolderError */
  static async open(path: string): Promise<MetricsLog> {
    return new MetricsLog(await AppendedFile.open(path));
  }

  /** Returns at once. @throws RunFolderError of an earlier write, once */
  append(event: RunEvent): void {
    this.file.append(Buffer.from(`${JSON.stringify(event)}\n`));
    const due = this.file.waiting >= bytesBeforeWrite || event.time - this.lastWriteAt >= millisecondsBeforeWrite;
    if (event.event === 'step' && !due) return;
    this.lastWriteAt = event.time;
    this.file.write(event.event !== 'step');
  }

  /** Resolves when all that was appended is on the disk. @throws RunFolderError */
  flush(): Promise<void> {
    return this.file.flush();
  }

  close(): Promise<void> {
    return this.file.close();
  }
}
