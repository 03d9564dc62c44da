/**
 * Random words to uniforms and normals, in nothing but IEEE 754 additions, multiplications, divisions and square
 * roots: each is correctly rounded everywhere, so the results do not depend on the processor, on the version of V8, or
 * on its Math.log and Math.cos, which ECMAScript leaves to the implementation.
 */

/** Uniforms in [0, 1) from the upper 24 bits of each word: every one exact in float32. */
export function uniformsFromWords(words: Uint32Array, out: Float32Array, offset: number, count: number): void {
  for (let i = 0; i < count; i++) out[offset + i] = ((words[i] as number) >>> 8) * 2 ** -24;
}

/** MANTISSA_SCALE[leadingZeros] * (word + 1/2) lies in [1, 2). */
const MANTISSA_SCALE = Float64Array.from({ length: 33 }, (_, leadingZeros) => 2 ** (leadingZeros - 31));
const QUARTER_TURN = Math.PI / 2;

/**
 * Standard normals by the method of Box and Muller (1958), two from each two words: the radius sqrt(-2 ln u) from the
 * first, the angle from the second. u = (word + 1/2) / 2^32 keeps all 32 bits and is never 0: |normal| < 6.77.
 * `words` holds `count` rounded up to an even number. Error of a normal before its rounding to float32: below 1e-9.
 */
export function normalsFromWords(words: Uint32Array, out: Float32Array, offset: number, count: number): void {
  const end = offset + count;
  for (let i = 0, at = offset; at < end; i += 2, at += 2) {
    // -ln u = (leadingZeros + 1) ln 2 - ln m with m in [1, 2). Halving m above sqrt(2) keeps the argument of
    // ln m = 2 artanh((m - 1) / (m + 1)) small, and the relative error too where u is near 1.
    const word = words[i] as number;
    const leadingZeros = Math.clz32(word);
    let exponent = leadingZeros + 1;
    let m = (word + 0.5) * (MANTISSA_SCALE[leadingZeros] as number);
    if (m > Math.SQRT2) {
      m *= 0.5;
      exponent -= 1;
    }
    const t = (m - 1) / (m + 1);
    const t2 = t * t;
    const artanh = t * (1 + t2 * (1 / 3 + t2 * (1 / 5 + t2 * (1 / 7 + t2 * (1 / 9 + t2 * (1 / 11 + t2 / 13))))));
    const radius = Math.sqrt(2 * (exponent * Math.LN2 - 2 * artanh));

    // One bit chooses the half of the circle, the other 31 an angle 2h in (-pi/2, pi/2) on it; sin h and cos h by
    // their Taylor series, then the double-angle formulas.
    const bits = words[i + 1] as number;
    const h = ((bits << 1) | 1) * 2 ** -32 * QUARTER_TURN;
    const h2 = h * h;
    const sine = h * (1 - h2 * (1 / 6 - h2 * (1 / 120 - h2 * (1 / 5040 - h2 * (1 / 362_880 - h2 * (1 / 39_916_800))))));
    const cosine =
      1 - h2 * (1 / 2 - h2 * (1 / 24 - h2 * (1 / 720 - h2 * (1 / 40_320 - h2 * (1 / 3_628_800 - h2 / 479_001_600)))));
    const signed = radius - 2 * radius * (bits >>> 31);
    out[at] = signed * (1 - 2 * sine * sine);
    if (at + 1 < end) out[at + 1] = signed * 2 * sine * cosine;
  }
}
