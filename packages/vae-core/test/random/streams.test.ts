import { fillPhiloxBlocks } from '@elbo/vae-core/random/philox';
import { hashStreamName, RandomStreams, randomStreamNames } from '@elbo/vae-core/random/streams';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { correlationZ, kolmogorovSmirnov, mean, normalCdf } from './statistics.js';

const COUNT = 200_000;

function normals(seed: number, ...[stream, step, example, sample]: Parameters<typeof key>): Float32Array {
  const out = new Float32Array(COUNT);
  new RandomStreams(seed).fillNormal(stream, step, example, sample, out, 0, COUNT);
  return out;
}
const key = (stream: (typeof randomStreamNames)[number], step: number, example: number, sample: number) =>
  [stream, step, example, sample] as const;

describe('the normals of a stream', () => {
  const sample = normals(1, ...key('epsilon', 0, 0, 0));

  it('have the moments of N(0, 1), within four standard errors', () => {
    // Standard errors of the sample moments of N(0, 1): sqrt(var(x^k) / n), with var 1, 2, 15 and 96.
    const moment = (k: number) => mean(sample.map((x) => x ** k));
    const within = (variance: number) => 4 * Math.sqrt(variance / COUNT);
    expect(Math.abs(moment(1))).toBeLessThan(within(1));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(within(2));
    expect(Math.abs(moment(3))).toBeLessThan(within(15));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(within(96));
  });

  it('pass the test of Kolmogorov and Smirnov, whole and at even and odd positions', () => {
    expect(kolmogorovSmirnov(sample, normalCdf)).toBeLessThan(2.2);
    expect(
      kolmogorovSmirnov(
        sample.filter((_, i) => i % 2 === 0),
        normalCdf,
      ),
    ).toBeLessThan(2.2);
    expect(
      kolmogorovSmirnov(
        sample.filter((_, i) => i % 2 === 1),
        normalCdf,
      ),
    ).toBeLessThan(2.2);
  });

  it('pass it too as the first numbers of many examples, which is how training draws them', () => {
    const streams = new RandomStreams(3);
    const out = new Float32Array(COUNT);
    for (let example = 0; example < COUNT / 20; example++) {
      streams.fillNormal('epsilon', 7, example, 0, out, example * 20, 20);
    }
    expect(kolmogorovSmirnov(out, normalCdf)).toBeLessThan(2.2);
  });

  it('are uncorrelated with their neighbours, and the squares too', () => {
    const squares = sample.map((x) => x * x);
    for (const lag of [1, 2, 3, 4, 20]) {
      expect(Math.abs(correlationZ(sample.slice(lag), sample.slice(0, -lag)))).toBeLessThan(4);
      expect(Math.abs(correlationZ(squares.slice(lag), squares.slice(0, -lag)))).toBeLessThan(4);
    }
  });

  it.each([
    ['seeds', normals(2, ...key('epsilon', 0, 0, 0))],
    ['stream names', normals(1, ...key('evaluation-epsilon', 0, 0, 0))],
    ['steps', normals(1, ...key('epsilon', 1, 0, 0))],
    ['examples', normals(1, ...key('epsilon', 0, 1, 0))],
    ['samples', normals(1, ...key('epsilon', 0, 0, 1))],
  ])('are uncorrelated with those of other %s', (_, other) => {
    expect(Math.abs(correlationZ(sample, other))).toBeLessThan(4);
    expect(
      Math.abs(
        correlationZ(
          sample.map((x) => x * x),
          other.map((x) => x * x),
        ),
      ),
    ).toBeLessThan(4);
  });
});

describe('the uniforms of a stream', () => {
  const sample = new Float32Array(COUNT);
  new RandomStreams(1).fillUniform('binarization', 0, 0, 0, sample, 0, COUNT);

  it('lie in [0, 1) and pass the test of Kolmogorov and Smirnov', () => {
    expect(sample.every((u) => u >= 0 && u < 1)).toBe(true);
    expect(kolmogorovSmirnov(sample, (u) => u)).toBeLessThan(2.2);
  });

  it('have all of their 24 bits in use: each is set half of the time', () => {
    for (let bit = 1; bit <= 24; bit++) {
      const set = mean(sample.map((u) => Math.floor(u * 2 ** bit) % 2));
      expect(Math.abs(set - 0.5)).toBeLessThan((4 * 0.5) / Math.sqrt(COUNT));
    }
  });
});

describe('who draws, when and in what pieces', () => {
  const index = fc.nat({ max: 0xffff_ffff });
  const draw = fc.record({
    kind: fc.constantFrom('fillNormal' as const, 'fillUniform' as const),
    stream: fc.constantFrom(...randomStreamNames),
    step: index,
    example: index,
    sample: index,
    count: fc.nat({ max: 2500 }),
  });
  type Draw = typeof draw extends fc.Arbitrary<infer D> ? D : never;
  const drawn = (streams: RandomStreams, { kind, stream, step, example, sample, count }: Draw) => {
    const out = new Float32Array(count);
    streams[kind](stream, step, example, sample, out, 0, count);
    return out;
  };

  it('does not matter: the same key gives the same numbers from a fresh generator and from a used one', () => {
    fc.assert(
      fc.property(index, fc.array(draw, { minLength: 1, maxLength: 5 }), (seed, draws) => {
        const used = new RandomStreams(seed);
        const inOrder = draws.map((one) => drawn(used, one));
        used.permutation('shuffle', 0, 100);
        const reversed = [...draws].reverse().map((one) => drawn(new RandomStreams(seed), one));
        expect(inOrder).toEqual(reversed.reverse());
      }),
      { numRuns: 30 },
    );
  });

  it('leaves a shorter draw the beginning of a longer one, wherever in the array it is written', () => {
    fc.assert(
      fc.property(draw, fc.nat({ max: 2500 }), fc.nat({ max: 9 }), (one, shorter, offset) => {
        const streams = new RandomStreams(5);
        const whole = drawn(streams, one);
        const count = Math.min(shorter, whole.length);
        const out = new Float32Array(count + offset + 3).fill(9);
        streams[one.kind](one.stream, one.step, one.example, one.sample, out, offset, count);
        expect(out.subarray(offset, offset + count)).toEqual(whole.subarray(0, count));
        expect([...out.subarray(0, offset), ...out.subarray(offset + count)].every((x) => x === 9)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});

describe('the bits of a stream', () => {
  it('are the Philox blocks with key (seed, hash of the name) and counter (block, sample, example, step)', () => {
    const [seed, step, example, sample] = [0x9e3779b9, 7, 60_001, 3];
    const words = new Uint32Array(12);
    fillPhiloxBlocks(seed, hashStreamName('epsilon'), 0, sample, example, step, words, 0, 3);
    const uniforms = new Float32Array(12);
    new RandomStreams(seed).fillUniform('epsilon', step, example, sample, uniforms, 0, 12);
    expect([...uniforms]).toEqual(Array.from(words, (word) => (word >>> 8) / 2 ** 24));
  });

  it('do not change from one version to the next: this order is kept', () => {
    expect([...new RandomStreams(1).permutation('shuffle', 2, 12)]).toEqual([7, 8, 0, 4, 2, 5, 11, 3, 10, 6, 1, 9]);
  });
});

describe('a permutation', () => {
  const streams = new RandomStreams(1);
  const identity = (n: number) => Uint32Array.from({ length: n }, (_, i) => i);

  it.each([0, 1, 2, 3, 1000, 60_000])('of %i numbers holds each of them once', (n) => {
    expect(streams.permutation('shuffle', 0, n).sort()).toEqual(identity(n));
  });

  it('is another one in every epoch and for every seed, and the same when drawn again', () => {
    const first = streams.permutation('shuffle', 0, 1000);
    expect(streams.permutation('shuffle', 1, 1000)).not.toEqual(first);
    expect(new RandomStreams(2).permutation('shuffle', 0, 1000)).not.toEqual(first);
    expect(new RandomStreams(1).permutation('shuffle', 0, 1000)).toEqual(first);
  });

  it('draws again at a word that would favour the lower choices: Fisher and Yates by definition', () => {
    const n = 150_000;
    const words = new Uint32Array(n + 8);
    fillPhiloxBlocks(1, hashStreamName('shuffle'), 0, 0, 0, 0, words, 0, words.length / 4);
    const order = identity(n);
    let drawn = 0;
    let again = 0;
    for (let i = n - 1; i > 0; i--) {
      while (words[drawn]! >= 2 ** 32 - (2 ** 32 % (i + 1))) {
        drawn += 1;
        again += 1;
      }
      const j = words[drawn++]! % (i + 1);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    expect(again).toBeGreaterThan(0);
    // Not toEqual: it would be minutes at the difference of such long arrays.
    const found = streams.permutation('shuffle', 0, n);
    expect(order.findIndex((index, i) => found[i] !== index)).toBe(-1);
  });

  it('takes each of the 24 orders of four numbers equally often', () => {
    const counts = new Map<string, number>();
    const draws = 24_000;
    for (let epoch = 0; epoch < draws; epoch++) {
      const order = streams.permutation('shuffle', epoch, 4).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    const expected = draws / 24;
    const chiSquared = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 23 degrees of freedom: above 58 once in 15,000 tests.
    expect(chiSquared).toBeLessThan(58);
  });
});

describe('what the generator refuses', () => {
  it.each([-1, 0.5, 2 ** 32, Number.NaN])('refuses %d as a seed', (seed) => {
    expect(() => new RandomStreams(seed)).toThrow(/seed.*integer/);
  });

  it.each([-1, 0.5, 2 ** 32, Number.NaN])(
    'refuses %d as an index, which would repeat the numbers of another',
    (index) => {
      const out = new Float32Array(4);
      const streams = new RandomStreams(1);
      expect(() => streams.fillNormal('epsilon', index, 0, 0, out, 0, 4)).toThrow(/step or epoch index/);
      expect(() => streams.fillNormal('epsilon', 0, index, 0, out, 0, 4)).toThrow(/example index/);
      expect(() => streams.fillUniform('epsilon', 0, 0, index, out, 0, 4)).toThrow(/sample index/);
      expect(() => streams.permutation('shuffle', index, 4)).toThrow(/step or epoch index/);
    },
  );

  it('refuses to write past the end of an array', () => {
    expect(() => new RandomStreams(1).fillNormal('epsilon', 0, 0, 0, new Float32Array(10), 8, 3)).toThrow(RangeError);
    expect(() => new RandomStreams(1).fillUniform('epsilon', 0, 0, 0, new Float32Array(10), -1, 3)).toThrow(RangeError);
  });

  it('keeps the keys of all stream names apart', () => {
    expect(new Set(randomStreamNames.map(hashStreamName)).size).toBe(randomStreamNames.length);
    // The published hash of FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/, "foobar".
    expect(hashStreamName('foobar')).toBe(0xbf9cf968);
  });
});
