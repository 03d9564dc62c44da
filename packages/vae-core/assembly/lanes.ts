/** Elements that a sum takes at a time: the running sum (8 KiB) stays in the first-level cache until it is done. */
export const BLOCK_LENGTH: u32 = 2048;
/** The answer of a search that found nothing. */
export const NONE: u32 = 0xffff_ffff;

// @ts-ignore: decorator
@inline
export function min(a: u32, b: u32): u32 {
  return a < b ? a : b;
}

/** The first `count` elements (1 to 3 of them, or all 4) at an address; the other lanes are 0. */
// @ts-ignore: decorator
@inline
export function loadLanes(address: usize, count: u32): v128 {
  if (count == 4) return v128.load(address);
  let lanes = v128.load32_zero(address);
  if (count > 1) lanes = v128.load_lane<f32>(address, lanes, 1, 4);
  if (count > 2) lanes = v128.load_lane<f32>(address, lanes, 2, 8);
  return lanes;
}

/** Writes the first `count` lanes (1 to 3 of them, or all 4) and touches nothing behind them. */
// @ts-ignore: decorator
@inline
export function storeLanes(address: usize, lanes: v128, count: u32): void {
  if (count == 4) {
    v128.store(address, lanes);
    return;
  }
  v128.store_lane<f32>(address, lanes, 0);
  if (count > 1) v128.store_lane<f32>(address, lanes, 1, 4);
  if (count > 2) v128.store_lane<f32>(address, lanes, 2, 8);
}

/** Smaller magnitudes of a mean of gradients count as 0: 2^-100. */
const TINY_MEAN: f32 = 7.888609052210118e-31;
/** Smaller means of squared gradients count as 0: 2^-120. */
const TINY_SQUARE: f32 = 7.52316384526264e-37;

// Why means are flushed to 0: that of a gradient which has become 0 (a pixel that is never set again) decays to a
// subnormal number and, rounding being what it is, stays there for ever. Subnormals take a processor up to a hundred
// times as long, and no parameter would feel one.

// @ts-ignore: decorator
@inline
export function flushMean(lanes: v128): v128 {
  const magnitudes = v128.and(lanes, i32x4.splat(0x7fff_ffff));
  return v128.and(lanes, f32x4.le(f32x4.splat(TINY_MEAN), magnitudes));
}

// @ts-ignore: decorator
@inline
export function flushSquare(lanes: v128): v128 {
  return v128.and(lanes, f32x4.le(f32x4.splat(TINY_SQUARE), lanes));
}
