import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { RunEvent } from '@elbo/protocol/events';
import type { RunSpec } from '@elbo/protocol/run-spec';
import type { ParameterLayout } from '@elbo/vae-core/parameter-layout';
import { RunFolderError } from '../errors.js';
import { listEpochPictures } from './epoch-pictures.js';
import { readMetricsUpTo, replaceByItsBeginning } from './metrics-history.js';
import { MetricsLog } from './metrics-log.js';
import { readModelFile, writeModelFile } from './model-file.js';
import { renderCurves } from './plot/curves.js';
import { runReadme } from './readme.js';
import { RunMemory } from './run-memory.js';
import type { RunPictures } from './run-pictures.js';
import { specYaml } from './spec-file.js';
import { hasTensorboardLog } from './tensorboard/tensorboard-log.js';
import { isTemporary, notWritten, writeFileAtomically } from './write-file-atomically.js';

export interface RunFolderOptions {
  /** Complete: with every choice made that its author left open. */
  readonly spec: RunSpec;
  readonly runId: string;
  /** `--out`; null for runs/<name>-<id> in the current folder. */
  readonly out: string | null;
  /** Called before a file is replaced; throws when this process may not any more. */
  readonly fence?: () => Promise<void>;
}

/**
 * What a run leaves behind: spec.yaml at once, metrics.ndjson while it runs, the model at each checkpoint, pictures
 * and README.md at the end. Every file but the log is replaced whole or not at all.
 */
export class RunFolder {
  #pictures: RunPictures | null = null;
  #savedStep: number | null = null;

  private constructor(
    /** Absolute. */
    readonly path: string,
    private readonly options: RunFolderOptions,
    private readonly log: MetricsLog,
    private readonly memory = new RunMemory(),
  ) {}

  /** Makes the folder and writes spec.yaml. @throws RunFolderError `folder-in-use` when something is in it */
  static async create(options: RunFolderOptions): Promise<RunFolder> {
    const path = resolve(options.out ?? join('runs', folderName(options)));
    const there = await mkdir(path, { recursive: true })
      .then(() => readdir(path))
      .catch((error: unknown) => {
        throw notWritten(path, error);
      });
    if (there.length > 0) {
      throw new RunFolderError('folder-in-use', path, `${path} is not empty; choose another folder with --out`);
    }
    await writeFileAtomically(join(path, 'spec.yaml'), specYaml(options));
    return new RunFolder(path, options, await MetricsLog.open(join(path, 'metrics.ndjson')));
  }

  /**
   * Opens the folder of a run that goes on after a step: what was recorded of later steps is taken back.
   * @throws RunFolderError
   */
  static async reopen(options: RunFolderOptions & { readonly out: string }, afterStep: number, epochReported: boolean) {
    const path = resolve(options.out);
    for (const name of await readdir(path)) if (isTemporary(name)) await rm(join(path, name), { force: true });
    const spec = join(path, 'spec.yaml');
    if (!existsSync(spec)) await writeFileAtomically(spec, specYaml(options), options.fence);
    const metrics = join(path, 'metrics.ndjson');
    const memory = new RunMemory();
    const { keptBytes, lastStep } = await readMetricsUpTo(metrics, afterStep, epochReported, (event) =>
      memory.take(event),
    );
    await options.fence?.();
    await replaceByItsBeginning(metrics, keptBytes);
    const folder = new RunFolder(path, options, await MetricsLog.open(metrics), memory);
    folder.#savedStep = await savedStep(join(path, 'model.safetensors'));
    return { folder, recordedStep: lastStep };
  }

  /** Takes an event: into metrics.ndjson, and what the curves and the README need of it. @throws RunFolderError */
  handle(event: RunEvent): void {
    this.memory.take(event);
    this.log.append(event);
  }

  /** Resolves when every event so far is on the disk. @throws RunFolderError */
  flush(): Promise<void> {
    return this.log.flush();
  }

  /** Replaces model.safetensors. @throws RunFolderError */
  async saveModel(parameters: Float32Array, layout: ParameterLayout, step: number): Promise<void> {
    const path = join(this.path, 'model.safetensors');
    await writeModelFile(path, { spec: this.options.spec, layout, parameters, step }, this.options.fence);
    this.#savedStep = step;
  }

  /** Writes the pictures there are; README.md tells why another one is not there. @throws RunFolderError */
  async savePictures(pictures: RunPictures): Promise<void> {
    for (const [name, picture] of Object.entries(pictures)) {
      if ('png' in picture) await writeFileAtomically(join(this.path, `${name}.png`), picture.png, this.options.fence);
    }
    this.#pictures = pictures;
  }

  /** Draws the curves, writes README.md, and closes the log, all of it on the disk. Call it last, once. */
  async finish(): Promise<void> {
    const { spec, runId, fence } = this.options;
    try {
      const title = `${spec.name}   run ${runId}`;
      const curves = renderCurves({ title, steps: this.memory.steps.points, epochs: this.memory.epochs });
      await writeFileAtomically(join(this.path, 'curves.png'), curves, fence);
      const readme = runReadme({
        spec,
        runId,
        started: this.memory.started,
        finished: this.memory.finished,
        failure: this.memory.failure,
        epochs: this.memory.epochs,
        pictures: this.#pictures,
        tensorboard: hasTensorboardLog(this.path),
        picturedEpochs: await listEpochPictures(this.path),
        savedStep: this.#savedStep,
      });
      await writeFileAtomically(join(this.path, 'README.md'), readme, fence);
    } finally {
      await this.log.close();
    }
  }

  /** Closes the log and leaves every file as it is: the run is another's. */
  async abandon(): Promise<void> {
    await this.log.close();
  }
}

/** The step of a model file; null when there is none that holds. */
async function savedStep(path: string): Promise<number | null> {
  return readModelFile(path).then(
    ({ step }) => step,
    () => null,
  );
}

/** The run's name and the last part of its id, which already begins with the name. */
function folderName({ spec, runId }: RunFolderOptions): string {
  return `${spec.name}-${runId.slice(runId.lastIndexOf('-') + 1)}`;
}
