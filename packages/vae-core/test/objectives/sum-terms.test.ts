import { addTermSums, meanTerms, sumTerms, zeroTerms } from '@elbo/vae-core/objectives/sum-terms';
import { describe, expect, it } from 'vitest';

/** Three examples of two latent dimensions. */
const batch = {
  reconstructionLogProb: Float32Array.of(-10, -20, -40),
  klDivergence: Float32Array.of(1, 2, 4, 8, 16, 32),
};
const sums = { sampleCount: 3, reconstructionLogProb: -70, klPerDimension: [21, 42] };

describe('the sums of the ELBO terms', () => {
  it('are over the examples of a batch, for each latent dimension by itself', () => {
    expect(sumTerms(batch, 2)).toEqual(sums);
  });

  it('are those of the whole however it is cut into batches', () => {
    const part = (begin: number, end: number) =>
      sumTerms(
        {
          reconstructionLogProb: batch.reconstructionLogProb.subarray(begin, end),
          klDivergence: batch.klDivergence.subarray(2 * begin, 2 * end),
        },
        2,
      );
    expect(addTermSums([part(0, 1), part(1, 3)])).toEqual(sums);
    expect(addTermSums([part(0, 1), part(1, 2), part(2, 3)])).toEqual(sums);
    expect(() => addTermSums([])).toThrow(RangeError);
  });

  it('keep the digits that float32 would lose over many examples', () => {
    const reconstructionLogProb = new Float32Array(200_000).fill(-105.3);
    const klDivergence = new Float32Array(200_000).fill(0.1);
    const { elbo } = meanTerms(sumTerms({ reconstructionLogProb, klDivergence }, 1));
    expect(elbo).toBeCloseTo(Math.fround(-105.3) - Math.fround(0.1), 8);
  });

  it('are zero but for the counts where nothing is known', () => {
    expect(zeroTerms(sums)).toEqual({ sampleCount: 3, reconstructionLogProb: 0, klPerDimension: [0, 0] });
  });
});

describe('the mean terms', () => {
  it('are in nats for each example, and elbo is the reconstruction less the KL of all dimensions', () => {
    expect(meanTerms(sums)).toEqual({ elbo: -70 / 3 - 21, reconstructionLogProb: -70 / 3, klDivergence: 21 });
  });
});
