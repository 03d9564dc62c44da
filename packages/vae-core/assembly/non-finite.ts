import { NONE } from './lanes';

const EXPONENT: u32 = 0x7f80_0000;

// @ts-ignore: decorator
@inline
function nonFinite(bits: v128, exponent: v128): v128 {
  return i32x4.eq(v128.and(bits, exponent), exponent);
}

/** The lowest index of a NaN or an infinity (the floats whose exponent bits are all set), or NONE. */
export function firstNonFinite(x: usize, length: u32): u32 {
  const exponent = i32x4.splat(EXPONENT);
  let at: u32 = 0;
  for (const end = length & ~15; at < end; at += 16) {
    const address = x + (<usize>at << 2);
    const low = v128.or(nonFinite(v128.load(address), exponent), nonFinite(v128.load(address, 16), exponent));
    const high = v128.or(nonFinite(v128.load(address, 32), exponent), nonFinite(v128.load(address, 48), exponent));
    if (v128.any_true(v128.or(low, high))) break;
  }
  for (; at < length; at++) {
    if ((load<u32>(x + (<usize>at << 2)) & EXPONENT) == EXPONENT) return at;
  }
  return NONE;
}
