import type { ResolvedRun } from '@elbo/protocol/messages';

/**
 * How a run is cut into steps, shards and microbatches. Everything here follows from the spec and the size of the
 * data set alone, never from how many workers or threads there are: that is what makes the result elastic.
 */

/** A half-open range of positions in an epoch's order. */
export interface Range {
  readonly begin: number;
  readonly end: number;
}

export interface StepCut {
  readonly globalBatchSize: number;
  readonly shardsPerStep: number;
  readonly microbatchSize: number;
}

export function cutOf(run: ResolvedRun): StepCut {
  return {
    globalBatchSize: run.spec.training.globalBatchSize,
    shardsPerStep: run.shardsPerStep,
    microbatchSize: run.microbatchSize,
  };
}

export interface StepPlan {
  /** 0-based. */
  readonly epoch: number;
  /** Examples of this step: the last step of an epoch takes what is left. */
  readonly sampleCount: number;
  /** One range for each shard, in shard order, of positions in the epoch's shuffled order. */
  readonly shards: readonly Range[];
}

export function stepsPerEpoch(trainExamples: number, globalBatchSize: number): number {
  return Math.ceil(trainExamples / globalBatchSize);
}

export function planStep(cut: StepCut, trainExamples: number, step: number): StepPlan {
  const perEpoch = stepsPerEpoch(trainExamples, cut.globalBatchSize);
  const begin = (step % perEpoch) * cut.globalBatchSize;
  const end = Math.min(begin + cut.globalBatchSize, trainExamples);
  return {
    epoch: Math.floor(step / perEpoch),
    sampleCount: end - begin,
    shards: cutEvenly({ begin, end }, cut.shardsPerStep),
  };
}

const evaluationShardSize = 2500;
export const evaluationMicrobatchSize = 500;

/** The shards of one pass over a split, in its own order. */
export function planEvaluation(examples: number): readonly Range[] {
  return cutEvenly({ begin: 0, end: examples }, Math.ceil(examples / evaluationShardSize));
}

/** Pieces of at most `size`, in order; the last takes what is left. */
export function cutBySize({ begin, end }: Range, size: number): Range[] {
  const pieces: Range[] = [];
  for (let at = begin; at < end; at += size) pieces.push({ begin: at, end: Math.min(at + size, end) });
  return pieces;
}

/** At most `count` pieces whose sizes differ by one at the most; none is empty. */
function cutEvenly({ begin, end }: Range, count: number): Range[] {
  const total = end - begin;
  const pieces = Math.min(count, total);
  return Array.from({ length: pieces }, (_, i) => ({
    begin: begin + Math.floor((i * total) / pieces),
    end: begin + Math.floor(((i + 1) * total) / pieces),
  }));
}

/**
 * The cut of a spec that leaves it open. Few shards, because each costs a gradient on the wire, and large microbatches,
 * because matrix products of few rows are slow (measured: 128 rows 28k images a second, 512 rows 40k). With many
 * workers or threads, say `shardsPerStep` and `microbatchSize` in the spec: they are part of what decides the bits.
 */
export function defaultCut(globalBatchSize: number): Omit<StepCut, 'globalBatchSize'> {
  const shardsPerStep = globalBatchSize <= 1024 ? 2 : 4;
  return { shardsPerStep, microbatchSize: Math.min(512, Math.ceil(globalBatchSize / shardsPerStep)) };
}
