import { normalsFromWords, uniformsFromWords } from '@elbo/vae-core/random/distributions';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

/** Box and Muller's pair in the library's functions: the last 31 bits give an angle, the first one adds half a turn. */
function boxMuller(first: number, second: number): [number, number] {
  const radius = Math.sqrt(-2 * Math.log((first + 0.5) / 2 ** 32));
  const angle = Math.PI * ((((second << 1) >> 1) + 0.5) / 2 ** 31 + (second >>> 31));
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

const word = fc.oneof(
  fc.nat({ max: 0xffff_ffff }),
  fc.constantFrom(0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xb504_f333, 0xb504_f334, 0x4000_0000, 0xc000_0000),
);

describe('normals from random words', () => {
  it('are those of Box and Muller at every word, to the precision of float32', () => {
    fc.assert(
      fc.property(word, word, (first, second) => {
        const out = new Float32Array(2);
        normalsFromWords(Uint32Array.of(first, second), out, 0, 2);
        const expected = boxMuller(first, second);
        // The reference itself is not better than 1e-11 where u is next to 1.
        const tolerance = 1.2e-7 * Math.hypot(...expected) + 1e-11;
        expect(Math.abs(out[0]! - expected[0])).toBeLessThan(tolerance);
        expect(Math.abs(out[1]! - expected[1])).toBeLessThan(tolerance);
      }),
      { numRuns: 3000 },
    );
  });

  it('stay finite and within 6.77 at the words nearest to 0 and 1', () => {
    const out = new Float32Array(4);
    normalsFromWords(Uint32Array.of(0, 0, 0xffff_ffff, 0), out, 0, 4);
    expect(out[0]).toBeCloseTo(Math.sqrt(2 * 33 * Math.LN2), 5);
    expect(Math.hypot(out[2]!, out[3]!)).toBeGreaterThan(0);
    expect(Math.hypot(out[2]!, out[3]!)).toBeLessThan(2e-5);
  });

  it('do not change with the version of Node: these bits are kept', () => {
    const out = new Float32Array(4);
    normalsFromWords(Uint32Array.of(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8), out, 0, 4);
    expect([...out].map((value) => value.toString())).toMatchInlineSnapshot(`
      [
        "-0.991137683391571",
        "0.9246625900268555",
        "-0.6176089644432068",
        "-0.48206859827041626",
      ]
    `);
  });
});

describe('uniforms from random words', () => {
  it('are the upper 24 bits, exact in float32, from 0 to the largest number below 1', () => {
    const out = new Float32Array(4);
    uniformsFromWords(Uint32Array.of(0, 0xff, 0x100, 0xffff_ffff), out, 0, 4);
    expect([...out]).toEqual([0, 0, 2 ** -24, 1 - 2 ** -24]);
  });
});
