import { type FileHandle, open } from 'node:fs/promises';
import { notWritten } from './write-file-atomically.js';

/** A file that grows in order, in few writes. */
export class AppendedFile {
  private chunks: Uint8Array[] = [];
  private writing: Promise<void> = Promise.resolve();
  private failure: unknown = null;
  private reported = false;
  /** Bytes that no write was begun for. */
  waiting = 0;

  private constructor(
    private readonly path: string,
    private readonly file: FileHandle,
  ) {}

  /** @throws RunFolderError */
  static async open(path: string): Promise<AppendedFile> {
    const file = await open(path, 'a').catch((error: unknown) => {
      throw notWritten(path, error);
    });
    return new AppendedFile(path, file);
  }

  /**
   * Returns at once. A write that failed is thrown by the next call, once: what follows (the event that the run
   * failed) must reach the other listeners. @throws RunFolderError
   */
  append(chunk: Uint8Array): void {
    this.throwFailure();
    if (this.failure) return;
    this.chunks.push(chunk);
    this.waiting += chunk.length;
  }

  /** Begins to write what was appended. @param sync Until it is on the disk. */
  write(sync: boolean): void {
    const bytes = Buffer.concat(this.chunks);
    this.chunks = [];
    this.waiting = 0;
    this.writing = this.writing
      .then(async () => {
        if (this.failure) return;
        if (bytes.length > 0) await this.file.appendFile(bytes);
        if (sync) await this.file.datasync();
      })
      .catch((error: unknown) => {
        this.failure = error;
      });
  }

  /** Resolves when all that was appended is on the disk. @throws RunFolderError */
  async flush(): Promise<void> {
    this.write(true);
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

  private throwFailure(): void {
    if (!this.failure || this.reported) return;
    this.reported = true;
    throw notWritten(this.path, this.failure);
  }
}
