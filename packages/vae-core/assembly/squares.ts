import { loadLanes, min } from './lanes';

// @ts-ignore: decorator
@inline
function squaresLow(x: v128): v128 {
  const wide = f64x2.promote_low_f32x4(x);
  return f64x2.mul(wide, wide);
}

// @ts-ignore: decorator
@inline
function squaresHigh(x: v128): v128 {
  return squaresLow(i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15));
}

/**
 * Sum of squares of a block in float64. Element i goes to lane i mod 8, in order; the result is
 * ((l0 + l4) + (l2 + l6)) + ((l1 + l5) + (l3 + l7)).
 */
export function sumOfSquares(x: usize, length: u32): f64 {
  let lanes01 = f64x2.splat(0);
  let lanes23 = f64x2.splat(0);
  let lanes45 = f64x2.splat(0);
  let lanes67 = f64x2.splat(0);
  const bytes = <usize>(length & ~7) << 2;
  for (let i: usize = 0; i < bytes; i += 32) {
    const low = v128.load(x + i);
    const high = v128.load(x + i, 16);
    lanes01 = f64x2.add(lanes01, squaresLow(low));
    lanes23 = f64x2.add(lanes23, squaresHigh(low));
    lanes45 = f64x2.add(lanes45, squaresLow(high));
    lanes67 = f64x2.add(lanes67, squaresHigh(high));
  }
  // The lanes beyond the end are 0, and adding 0 changes nothing.
  const rest = length & 7;
  if (rest) {
    const low = loadLanes(x + bytes, min(rest, 4));
    lanes01 = f64x2.add(lanes01, squaresLow(low));
    lanes23 = f64x2.add(lanes23, squaresHigh(low));
    if (rest > 4) {
      const high = loadLanes(x + bytes + 16, rest - 4);
      lanes45 = f64x2.add(lanes45, squaresLow(high));
      lanes67 = f64x2.add(lanes67, squaresHigh(high));
    }
  }
  const total = f64x2.add(f64x2.add(lanes01, lanes45), f64x2.add(lanes23, lanes67));
  return f64x2.extract_lane(total, 0) + f64x2.extract_lane(total, 1);
}
