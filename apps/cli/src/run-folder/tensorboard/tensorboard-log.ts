import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { RunEvent } from '@elbo/protocol/events';
import { AppendedFile } from '../appended-file.js';
import { replaceByItsBeginning } from '../metrics-history.js';
import type { RunPictures } from '../run-pictures.js';
import { isTemporary, notWritten } from '../write-file-atomically.js';
import { type EventMessage, encodeEvent, fileVersion, readStepAndTags, sessionStart } from './event-message.js';
import { encodeRecord, readRecords } from './records.js';
import { epochSummary, pictureSummary, stepSummary, stepTag } from './summaries.js';

const folderName = 'tensorboard';
const namePattern = /^events\.out\.tfevents\.(\d{10,})\./;
/** Of a run's steps so many at most are written, evenly. */
const mostSteps = 2000;
const bytesBeforeWrite = 64 * 1024;
const millisecondsBeforeWrite = 2000;

/** Whether a run folder has event files: a run that goes on goes on with them. */
export function hasTensorboardLog(runFolder: string): boolean {
  return existsSync(join(runFolder, folderName));
}

/** tensorboard/events.out.tfevents.*: curves, KL by latent dimension and pictures, for `tensorboard --logdir`. */
export class TensorboardLog {
  #lastWriteAt = 0;

  private constructor(
    private readonly file: AppendedFile,
    private readonly every: number,
    private readonly totalSteps: number,
  ) {}

  /**
   * Begins a new file. What older ones have of steps that the run goes back behind is taken out of them: no step is
   * there twice.
   * @param epochReported Whether the report of an epoch that ends with `afterStep` stays.
   * @param fence Called before an older file is changed. @throws RunFolderError, or what `fence` throws
   */
  static async open(
    runFolder: string,
    totalSteps: number,
    afterStep: number,
    epochReported: boolean,
    fence: () => Promise<void>,
    now: number,
  ): Promise<TensorboardLog> {
    const folder = join(runFolder, folderName);
    await mkdir(folder, { recursive: true }).catch((error: unknown) => {
      throw notWritten(folder, error);
    });
    let newest = 0;
    for (const name of await readdir(folder)) {
      const [, seconds] = namePattern.exec(name) ?? [];
      if (isTemporary(name)) await rm(join(folder, name), { force: true });
      else if (seconds !== undefined) {
        newest = Math.max(newest, Number(seconds));
        await fence();
        await takeBack(join(folder, name), afterStep, epochReported);
      }
    }
    // Readers take files by their names' order.
    const seconds = String(Math.max(Math.floor(now / 1000), newest + 1)).padStart(10, '0');
    const file = await AppendedFile.open(join(folder, `events.out.tfevents.${seconds}.${hostname()}.${process.pid}`));
    const log = new TensorboardLog(file, Math.ceil(totalSteps / mostSteps), totalSteps);
    log.#append({ wallTime: now / 1000, fileVersion });
    if (newest > 0) log.#append({ wallTime: now / 1000, step: afterStep + 1, sessionLog: { status: sessionStart } });
    file.write(false);
    return log;
  }

  /** Returns at once. @throws RunFolderError of an earlier write, once */
  handle(event: RunEvent): void {
    const { time } = event;
    const wallTime = time / 1000;
    if (event.event === 'step' && (event.step % this.every === 0 || event.step === this.totalSteps)) {
      this.#append({ wallTime, step: event.step, summary: { value: stepSummary(event) } });
    }
    if (event.event === 'epoch') this.#append({ wallTime, step: event.step, summary: { value: epochSummary(event) } });
    const due = time - this.#lastWriteAt >= millisecondsBeforeWrite || event.event === 'epoch';
    if (!due && this.file.waiting < bytesBeforeWrite) return;
    this.#lastWriteAt = time;
    this.file.write(false);
  }

  /** The pictures of an epoch that ended with a step. @param now Milliseconds since the Unix epoch. */
  addPictures(step: number, pictures: RunPictures, now: number): void {
    const value = pictureSummary(pictures);
    if (value.length > 0) this.#append({ wallTime: now / 1000, step, summary: { value } });
  }

  flush(): Promise<void> {
    return this.file.flush();
  }

  close(): Promise<void> {
    return this.file.close();
  }

  #append(event: EventMessage): void {
    this.file.append(encodeRecord(encodeEvent(event)));
  }
}

/** Keeps of an event file what comes before the first event of a later step. */
async function takeBack(path: string, afterStep: number, epochReported: boolean): Promise<void> {
  let keptBytes = 0;
  for await (const { data, end } of readRecords(path)) {
    const { step, tags } = readStepAndTags(data);
    const [first] = tags;
    if (first !== undefined) {
      const isEpoch = first !== stepTag;
      if (step > afterStep || (isEpoch && step === afterStep && !epochReported)) break;
    }
    keptBytes = end;
  }
  await replaceByItsBeginning(path, keptBytes);
}
