import type { EpochEvent, RunEvent, RunFinishedEvent, RunStartedEvent } from '@elbo/protocol/events';
import type { RunSpec } from '@elbo/protocol/run-spec';
import { activeUnits } from '@elbo/vae-core/objectives/active-units';
import { count, duration, exampleWord, nats, plural } from '../progress/format.js';
import type { Picture, RunPictures } from './run-pictures.js';

export type RunFailedEvent = Extract<RunEvent, { event: 'run-failed' }>;

export interface RunSummary {
  readonly spec: RunSpec;
  readonly runId: string;
  readonly started: RunStartedEvent | null;
  readonly finished: RunFinishedEvent | null;
  readonly failure: RunFailedEvent | null;
  readonly epochs: readonly EpochEvent[];
  readonly pictures: RunPictures | null;
  /** The epochs that there are pictures of, in order. */
  readonly picturedEpochs: readonly number[];
  /** Whether there are event files for TensorBoard. */
  readonly tensorboard: boolean;
  /** The step of model.safetensors, or null when none was saved. */
  readonly savedStep: number | null;
}

/** README.md of a run folder: what came out, what each file is, how to run it again. */
export function runReadme(summary: RunSummary): string {
  const { spec, runId } = summary;
  const parts = [
    `# ${spec.name}`,
    `Run \`${runId}\`: ${outcome(summary)}.`,
    summary.started ? `${setting(summary.started)}` : '',
    '## Result',
    resultTable(summary.epochs),
    checksum(summary),
    '## Files',
    fileTable(summary),
    summary.finished?.outcome === 'completed' ? '' : `## Go on\n\n\`\`\`sh\nelbo resume .\n\`\`\``,
    '## Run it again',
    `\`\`\`sh\nelbo train spec.yaml\n\`\`\``,
    'The same spec gives the same parameters, bit for bit, with any number of workers and threads, embedded or ' +
      'through Redis, on machines of one CPU type.',
  ];
  return `${parts.filter(Boolean).join('\n\n')}\n`;
}

function outcome({ started, finished, failure, spec, epochs }: RunSummary): string {
  const wanted = plural(spec.training.epochs, 'epoch');
  if (failure) return `it failed (${failure.code}): ${failure.message}`;
  if (!finished) return 'it was not finished';
  const speed = `in ${duration(finished.seconds)}, ${count(finished.imagesPerSecond)} ${exampleWord(started)} a second`;
  if (finished.outcome === 'completed') return `${wanted}, ${plural(finished.step, 'step')}, ${speed}`;
  return `interrupted after ${plural(finished.step, 'step')} (${epochs.length} of ${wanted}) and saved, ${speed}`;
}

function setting(started: RunStartedEvent): string {
  const where =
    started.transport === 'embedded'
      ? `embedded, ${plural(started.threads, 'thread')}`
      : `BullMQ on Redis, ${plural(started.workers, 'worker process', 'worker processes')} of ${plural(started.threads, 'thread')}`;
  return (
    `Engine ${started.engine}; ${where}; seed ${started.seed}; ${count(started.parameterCount)} parameters; ` +
    `${count(started.trainExamples)} training and ${count(started.testExamples)} test examples.`
  );
}

function resultTable(epochs: readonly EpochEvent[]): string {
  if (epochs.length === 0) return 'No epoch was finished.';
  const rows = shownEpochs(epochs).map((event) => {
    const best = event.test ?? event.validation ?? event.train;
    const cells = [event.epoch, nats(event.train.elbo), event.test ? nats(event.test.elbo) : 'none'];
    return `| ${[...cells, nats(best.reconstructionLogProb), nats(best.klDivergence), activeOf(event)].join(' | ')} |`;
  });
  const last = epochs.at(-1) as EpochEvent;
  const split = last.test ? 'test' : last.validation ? 'validation' : 'train';
  return [
    `In nats for each example, higher is better. Reconstruction, KL and active units are of the ${split} split; a ` +
      'unit is active when its KL is over 0.01 nats.',
    '',
    '| epoch | train ELBO | test ELBO | reconstruction | KL | active units |',
    '|---:|---:|---:|---:|---:|---:|',
    ...rows,
  ].join('\n');
}

/** All of a short run; of a long one about twenty, the last among them. */
function shownEpochs(epochs: readonly EpochEvent[]): EpochEvent[] {
  const every = Math.ceil(epochs.length / 20);
  return epochs.filter((_, i) => (epochs.length - 1 - i) % every === 0);
}

function activeOf({ klPerDimension }: EpochEvent): string {
  return `${activeUnits(klPerDimension)} of ${klPerDimension.length}`;
}

function checksum({ finished }: RunSummary): string {
  return finished ? `SHA-256 of the parameters: \`${finished.parametersSha256}\`` : '';
}

function fileTable({ pictures, picturedEpochs, tensorboard, savedStep, finished }: RunSummary): string {
  const model =
    savedStep === null
      ? 'not there: the run ended before its first checkpoint'
      : `the parameters after step ${savedStep}, a float32 tensor each; the spec and the checksum are in its metadata`;
  const rows = [
    ['spec.yaml', 'the run spec, complete: every default and every choice is written out'],
    ['metrics.ndjson', 'every event of the run, one JSON object a line, in the order they came'],
    ['run.json', 'which run this folder is of, and who conducts it'],
    ['model.safetensors', model],
    ...checkpointRow(finished),
    [
      'curves.png',
      'ELBO, KL and reconstruction over the epochs; the faint line is the training batches, the points are epochs (train: the mean over an epoch, drawn at its middle)',
    ],
    ['samples.png', pictureRow(pictures?.samples, 'what the decoder makes of z drawn from the prior N(0, I)')],
    ['reconstructions.png', pictureRow(pictures?.reconstructions, 'examples, and what the model makes of each')],
    ...epochPicturesRow(picturedEpochs),
    ...(tensorboard
      ? [['tensorboard/', 'curves, KL by latent dimension and pictures for `tensorboard --logdir .`']]
      : []),
  ];
  return ['| file | what it is |', '|---|---|', ...rows.map(([file, what]) => `| ${file} | ${what} |`)].join('\n');
}

/** A completed run keeps none. */
function checkpointRow(finished: RunFinishedEvent | null): string[][] {
  if (finished?.outcome === 'completed') return [];
  return [['checkpoint-*.elbo', 'what `elbo resume` goes on from: parameters and optimiser state, the newest two']];
}

function epochPicturesRow(epochs: readonly number[]): string[][] {
  const [first, last] = [epochs[0], epochs.at(-1)];
  if (first === undefined) return [];
  const which = epochs.length === 1 ? `epoch ${first}` : `${epochs.length} epochs from ${first} to ${last}`;
  const what = `samples and reconstructions after ${which}: of the same z and the same examples, to see how they improve`;
  return [['pictures/epoch-*.png', what]];
}

function pictureRow(picture: Picture | undefined, what: string): string {
  if (!picture) return 'not there: the run ended before it was drawn';
  return 'skipped' in picture ? `not there: ${picture.skipped}` : what;
}
