import type { EpochEvent, RunEvent, StepEvent } from '@elbo/protocol/events';

/** A run as the coordinator tells it: two epochs of fifty steps, a step every tenth of a second. */
const runId = 'mnist-00c0ffee';
const began = 1_800_000_000_000;
export const sha256 = 'a'.repeat(64);

function step(n: number): StepEvent {
  const reconstructionLogProb = -90 - 400 / n;
  const klDivergence = 20 - 10 / n;
  const elbo = reconstructionLogProb - klDivergence;
  const epoch = Math.ceil(n / 50);
  const terms = { elbo, reconstructionLogProb, klDivergence };
  const rates = { beta: 1, learningRate: 1e-3, gradientNorm: 2, examples: 128, imagesPerSecond: 12_800 };
  return { event: 'step', runId, time: began + 100 * n, epoch, step: n, ...terms, ...rates };
}

function epoch(n: number): EpochEvent {
  const train = { elbo: -120 / n, reconstructionLogProb: -100 / n, klDivergence: 20 / n };
  const test = { elbo: -110 / n, reconstructionLogProb: -90 / n, klDivergence: 20 / n };
  const figures = { klPerDimension: [12, 8, 0.001], imagesPerSecond: 26_120.4, seconds: 5 };
  return {
    event: 'epoch',
    runId,
    time: began + 5000 * n,
    epoch: n,
    step: 50 * n,
    train,
    test,
    validation: null,
    ...figures,
  };
}

const steps = Array.from({ length: 100 }, (_, i) => step(i + 1));
export const runFolder = '/data/runs/mnist-00c0ffee';

export const recordedRun: readonly RunEvent[] = [
  { event: 'notice', runId, time: began, level: 'info', code: 'transport', message: 'embedded: no --redis was given' },
  {
    event: 'run-started',
    runId,
    time: began,
    name: 'mnist',
    transport: 'embedded',
    engine: 'compiled',
    workers: 0,
    threads: 2,
    seed: 7,
    parameterCount: 652_824,
    trainExamples: 6_400,
    testExamples: 1_000,
    exampleShape: [28, 28],
    stepsPerEpoch: 50,
    epochs: 2,
    runFolder,
  },
  ...steps.slice(0, 50),
  epoch(1),
  { event: 'notice', runId, time: began + 5001, level: 'warning', code: 'slow', message: 'worker 2\x1b[2J is slow' },
  ...steps.slice(50),
  epoch(2),
  { event: 'checkpoint', runId, time: began + 10_001, step: 100, path: `${runFolder}/model.safetensors` },
  {
    event: 'run-finished',
    runId,
    time: began + 10_002,
    outcome: 'completed',
    step: 100,
    parametersSha256: sha256,
    runFolder,
    imagesPerSecond: 12_800,
    seconds: 10.002,
  },
];
