import { mkdir, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { EpochEvent, RunEvent, RunFinishedEvent, RunStartedEvent } from '@elbo/protocol/events';
import type { RunSpec } from '@elbo/protocol/run-spec';
import type { ParameterLayout } from '@elbo/vae-core/parameter-layout';
import { RunFolderError } from '../errors.js';
import { MetricsLog } from './metrics-log.js';
import { writeModelFile } from './model-file.js';
import { renderCurves } from './plot/curves.js';
import { type RunFailedEvent, runReadme } from './readme.js';
import type { RunPictures } from './run-pictures.js';
import { specYaml } from './spec-file.js';
import { StepHistory } from './step-history.js';
import { notWritten, writeFileAtomically } from './write-file-atomically.js';

export interface RunFolderOptions {
  /** Complete: with every choice made that its author left open. */
  readonly spec: RunSpec;
  readonly runId: string;
  /** `--out`; null for runs/<name>-<id> in the current folder. */
  readonly out: string | null;
}

/**
 * What a run leaves behind: spec.yaml at once, metrics.ndjson while it runs, the model at each checkpoint, pictures
 * and README.md at the end. Every file but the log is replaced whole or not at all.
 */
export class RunFolder {
  #started: RunStartedEvent | null = null;
  #finished: RunFinishedEvent | null = null;
  #failure: RunFailedEvent | null = null;
  readonly #epochs: EpochEvent[] = [];
  readonly #steps = new StepHistory();
  #pictures: RunPictures | null = null;
  #savedStep: number | null = null;

  private constructor(
    /** Absolute. */
    readonly path: string,
    private readonly options: RunFolderOptions,
    private readonly log: MetricsLog,
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

  /** Takes an event: into metrics.ndjson, and what the curves and the README need of it. @throws RunFolderError */
  handle(event: RunEvent): void {
    if (event.event === 'run-started') this.#started = event;
    if (event.event === 'step') this.#steps.add(event, this.#started?.stepsPerEpoch ?? 1);
    if (event.event === 'epoch') this.#epochs.push(event);
    if (event.event === 'run-finished') this.#finished = event;
    if (event.event === 'run-failed') this.#failure = event;
    this.log.append(event);
  }

  /** Replaces model.safetensors. Returns its path. @throws RunFolderError */
  async saveModel(parameters: Float32Array, layout: ParameterLayout, step: number): Promise<string> {
    const path = join(this.path, 'model.safetensors');
    await writeModelFile(path, { spec: this.options.spec, layout, parameters, step });
    this.#savedStep = step;
    return path;
  }

  /** Writes the pictures there are; README.md tells why another one is not there. @throws RunFolderError */
  async savePictures(pictures: RunPictures): Promise<void> {
    for (const [name, picture] of Object.entries(pictures)) {
      if ('png' in picture) await writeFileAtomically(join(this.path, `${name}.png`), picture.png);
    }
    this.#pictures = pictures;
  }

  /** Draws the curves, writes README.md, and closes the log, all of it on the disk. Call it last, once. */
  async finish(): Promise<void> {
    const { spec, runId } = this.options;
    try {
      const title = `${spec.name}   run ${runId}`;
      const curves = renderCurves({ title, steps: this.#steps.points, epochs: this.#epochs });
      await writeFileAtomically(join(this.path, 'curves.png'), curves);
      const readme = runReadme({
        spec,
        runId,
        started: this.#started,
        finished: this.#finished,
        failure: this.#failure,
        epochs: this.#epochs,
        pictures: this.#pictures,
        savedStep: this.#savedStep,
      });
      await writeFileAtomically(join(this.path, 'README.md'), readme);
    } finally {
      await this.log.close();
    }
  }
}

/** The run's name and the last part of its id, which already begins with the name. */
function folderName({ spec, runId }: RunFolderOptions): string {
  return `${spec.name}-${runId.slice(runId.lastIndexOf('-') + 1)}`;
}
