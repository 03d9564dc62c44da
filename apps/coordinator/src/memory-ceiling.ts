import { totalmem } from 'node:os';
import type { ResolvedRun } from '@elbo/protocol/messages';
import { directoryBytes } from '@elbo/transport/redis/run-events';
import { createModel } from '@elbo/vae-core/models/model';
import { coordinatorBuffers, snapshotBuffers, workerBuffers } from '@elbo/vae-core/steps/kept-buffers';
import { evaluationMicrobatchSize } from '@elbo/vae-core/steps/step-plan';
import { MemoryCeilingError } from './errors.js';

const mebibyte = 2 ** 20;
/** Of a process with Node, its libraries and a heap at work, measured and rounded up. */
const processBytes = { coordinator: 180 * mebibyte, worker: 190 * mebibyte };
/** Of the engine that draws a coordinator's pictures, measured and rounded up. */
const painterBytes = 40 * mebibyte;
/** Of a thread: its isolate, its engine's library and compiled programs, measured and rounded up. */
const threadBytes = 90 * mebibyte;
/** Buffers as long as the parameters that a thread and its engine keep: copies of parameters and gradient. */
const threadBuffers = 6;
/** How often an engine may hold the activations of a microbatch at the same time. */
const activationCopies = 6;
/** Of BullMQ's scripts, streams and connections' buffers. */
const redisBaseBytes = 8 * mebibyte;
const redisJobBytes = 4096;

/** What a run needs at most, bytes. Tensors are counted exactly; what a process needs beside them is an upper estimate. */
export interface MemoryCeiling {
  /** Beyond what Redis held before; 0 when embedded. */
  readonly redis: number;
  readonly coordinator: number;
  /** A worker of one thread, and what each further thread adds. Embedded, its tensors are the coordinator's. */
  readonly worker: number;
  readonly furtherThread: number;
  /** What coordinator and worker have once between them when they are one process. */
  readonly shared: number;
}

/**
 * @param parameterCount float32 elements of the model
 * @param datasetBytes of the packed data set, which every process holds once
 */
export function memoryCeiling(run: ResolvedRun, parameterCount: number, datasetBytes: number): MemoryCeiling {
  const { optimizer } = run.spec.training;
  const buffer = parameterCount * Float32Array.BYTES_PER_ELEMENT;
  const snapshot = snapshotBuffers(optimizer) * buffer;
  // Two steps are in the queue at a time, and each shard may be given out twice.
  const jobs = 4 * run.shardsPerStep * redisJobBytes;
  const published = 2 * buffer;
  const painter = painterBytes + buffer;
  const ofThread = threadBytes + threadBuffers * buffer + activationBytes(run);
  return {
    redis: redisBaseBytes + 2 * snapshot + jobs + directoryBytes(run.spec.model.latentDim),
    // A checkpoint is copied once between two steps and once on its way to Redis.
    coordinator:
      processBytes.coordinator +
      coordinatorBuffers(run.shardsPerStep, optimizer) * buffer +
      2 * snapshot +
      published +
      painter +
      datasetBytes,
    worker: processBytes.worker + workerBuffers(1) * buffer + datasetBytes + ofThread,
    shared: processBytes.worker + datasetBytes,
    furtherThread: (workerBuffers(2) - workerBuffers(1)) * buffer + ofThread,
  };
}

function activationBytes({ spec, dataDim, microbatchSize }: ResolvedRun): number {
  const { latentDim, encoder, decoder } = spec.model;
  const widths = [...encoder.hidden, ...decoder.hidden, 4 * latentDim, 3 * dataDim];
  const examples = Math.max(microbatchSize, evaluationMicrobatchSize) * spec.objective.monteCarloSamples;
  return activationCopies * examples * widths.reduce((sum, width) => sum + width) * Float32Array.BYTES_PER_ELEMENT;
}

/**
 * Refuses a run that this process could not hold, before anything is allocated for it.
 * @param availableBytes of the machine, or of the container that the process runs in
 * @throws MemoryCeilingError
 */
export function assertFits(
  run: ResolvedRun,
  ceiling: MemoryCeiling,
  transport: 'embedded' | 'redis',
  threads: number,
  availableBytes = availableMemory(),
): void {
  const needed = transport === 'embedded' ? embeddedBytes(ceiling, threads) : ceiling.coordinator;
  if (needed > availableBytes) {
    throw new MemoryCeilingError(run.runId, describeCeiling(ceiling, transport, threads), availableBytes);
  }
}

/**
 * The same of a worker, which has less memory than its coordinator perhaps.
 * @throws MemoryCeilingError
 */
export function assertWorkerFits(run: ResolvedRun, threads: number, availableBytes = availableMemory()): void {
  const { length } = createModel(run.spec.model, run.dataDim).layout;
  const examples = run.trainExamples + run.validationExamples + run.testExamples;
  // A byte for each value at the least: the header comes with the data.
  const needed = workerBytes(memoryCeiling(run, length, examples * run.dataDim), threads);
  if (needed <= availableBytes) return;
  throw new MemoryCeilingError(
    run.runId,
    `at most ${inMebibytes(needed)} in a worker of ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    availableBytes,
  );
}

/** Of the machine, or of the container that the process runs in: bytes. */
export function availableMemory(): number {
  return Math.min(totalmem(), process.constrainedMemory?.() || Number.POSITIVE_INFINITY);
}

function workerBytes(ceiling: MemoryCeiling, threads: number): number {
  return ceiling.worker + (Math.max(threads, 1) - 1) * ceiling.furtherThread;
}

function embeddedBytes(ceiling: MemoryCeiling, threads: number): number {
  return ceiling.coordinator + workerBytes(ceiling, threads) - ceiling.shared;
}

/** The ceiling in a sentence. @param threads of a worker; 0 when it is not known */
export function describeCeiling(ceiling: MemoryCeiling, transport: 'embedded' | 'redis', threads: number): string {
  if (transport === 'embedded') return `at most ${inMebibytes(embeddedBytes(ceiling, threads))} in this process`;
  const further = threads === 0 ? ` and ${inMebibytes(ceiling.furtherThread)} for each further thread` : '';
  return `at most ${inMebibytes(ceiling.redis)} in Redis, ${inMebibytes(ceiling.coordinator)} in the coordinator, ${inMebibytes(workerBytes(ceiling, threads))} in a worker${further}`;
}

function inMebibytes(bytes: number): string {
  return `${Math.ceil(bytes / mebibyte)} MiB`;
}
