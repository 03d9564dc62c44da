import type { ElboTerms, EpochEvent, StepEvent } from '@elbo/protocol/events';
import { activeUnits } from '@elbo/vae-core/objectives/active-units';
import type { Picture, RunPictures } from '../run-pictures.js';
import type { HistogramMessage, SummaryValue } from './event-message.js';

const buckets = 30;

/** The first tag of what a step leaves; no epoch leaves it. */
export const stepTag = 'elbo/batch';

export function stepSummary(event: StepEvent): SummaryValue[] {
  const { learningRate, beta, gradientNorm, imagesPerSecond, phases } = event;
  return [
    ...terms('batch', event),
    scalar('optimization/learning_rate', learningRate),
    scalar('optimization/beta', beta),
    ...(gradientNorm === undefined ? [] : [scalar('optimization/gradient_norm', gradientNorm)]),
    scalar('speed/images_per_second', imagesPerSecond),
    ...(phases === undefined
      ? []
      : [
          scalar('speed/compute_ms', phases.computeMs),
          scalar('speed/transport_ms', phases.transportMs),
          scalar('speed/reduce_ms', phases.reduceMs),
          scalar('speed/wait_ms', phases.waitMs),
        ]),
  ];
}

export function epochSummary({ train, test, validation, klPerDimension }: EpochEvent): SummaryValue[] {
  return [
    ...terms('train', train),
    ...(test ? terms('test', test) : []),
    ...(validation ? terms('validation', validation) : []),
    scalar('latent/active_units', activeUnits(klPerDimension)),
    { tag: 'latent/kl_per_dimension', histo: histogramOf(klPerDimension) },
  ];
}

export function pictureSummary(pictures: RunPictures): SummaryValue[] {
  return Object.entries(pictures).flatMap(([kind, picture]: [string, Picture]) => {
    if (!('png' in picture)) return [];
    // Of a PNG: after its signature and the head of IHDR come width and height, and the colour type after the depth.
    const head = Buffer.from(picture.png.subarray(0, 33));
    const [width, height] = [head.readUInt32BE(16), head.readUInt32BE(20)];
    const colorspace = head.readUInt8(25) === 0 ? 1 : 3;
    return [{ tag: `pictures/${kind}`, image: { height, width, colorspace, encodedImageString: picture.png } }];
  });
}

function terms(of: string, { elbo, reconstructionLogProb, klDivergence }: ElboTerms): SummaryValue[] {
  return [
    scalar(`elbo/${of}`, elbo),
    scalar(`reconstruction_log_prob/${of}`, reconstructionLogProb),
    scalar(`kl_divergence/${of}`, klDivergence),
  ];
}

function scalar(tag: string, simpleValue: number): SummaryValue {
  return { tag, simpleValue };
}

/** From 0, in buckets of one width. */
function histogramOf(values: readonly number[]): HistogramMessage {
  const max = Math.max(...values);
  const min = Math.min(...values);
  const width = Math.max(max, 1e-12) / buckets;
  const bucket = new Array<number>(buckets).fill(0);
  for (const value of values) {
    const at = Math.min(buckets - 1, Math.max(0, Math.floor(value / width)));
    bucket[at] = (bucket[at] as number) + 1;
  }
  return {
    min,
    max,
    num: values.length,
    sum: values.reduce((sum, value) => sum + value, 0),
    sumSquares: values.reduce((sum, value) => sum + value * value, 0),
    bucketLimit: bucket.map((_, i) => (i + 1) * width),
    bucket,
  };
}
