/** The streams that data sets draw from: `binarization` of pixels, `sampling` of synthetic examples. */
export type DataStreamName = 'binarization' | 'sampling';

/**
 * Keyed random numbers: the same key gives the same numbers, whoever asks and whenever. vae-core's RandomStreams is
 * one; it comes in as an argument, because data sets know no layer beside them.
 */
export interface RandomSource {
  /** Writes `count` uniform numbers in [0, 1) to out[offset...]. */
  fillUniform(
    stream: DataStreamName,
    stepOrEpoch: number,
    example: number,
    sample: number,
    out: Float32Array,
    offset: number,
    count: number,
  ): void;
  /** Writes `count` standard normal numbers to out[offset...]. */
  fillNormal(
    stream: DataStreamName,
    stepOrEpoch: number,
    example: number,
    sample: number,
    out: Float32Array,
    offset: number,
    count: number,
  ): void;
}

/** Makes the source of a seed: `(seed) => new RandomStreams(seed)`. */
export type RandomFactory = (seed: number) => RandomSource;
