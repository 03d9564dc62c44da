import { BLOCK_LENGTH, loadLanes, min, storeLanes } from './lanes';
import { sumOfSquares } from './squares';

// @ts-ignore: decorator
@inline
function source(table: usize, index: u32, offset: usize): usize {
  return <usize>load<u32>(table + (<usize>index << 2)) + offset;
}

// @ts-ignore: decorator
@inline
function add2Lanes(target: usize, a: usize, b: usize, count: u32): void {
  storeLanes(target, f32x4.add(loadLanes(a, count), loadLanes(b, count)), count);
}

// @ts-ignore: decorator
@inline
function add4Lanes(target: usize, a: usize, b: usize, c: usize, d: usize, count: u32): void {
  const ab = f32x4.add(loadLanes(a, count), loadLanes(b, count));
  storeLanes(target, f32x4.add(f32x4.add(ab, loadLanes(c, count)), loadLanes(d, count)), count);
}

function add2(target: usize, a: usize, b: usize, length: u32): void {
  const bytes = <usize>(length & ~3) << 2;
  for (let i: usize = 0; i < bytes; i += 16) add2Lanes(target + i, a + i, b + i, 4);
  const rest = length & 3;
  if (rest) add2Lanes(target + bytes, a + bytes, b + bytes, rest);
}

function add4(target: usize, a: usize, b: usize, c: usize, d: usize, length: u32): void {
  const bytes = <usize>(length & ~3) << 2;
  for (let i: usize = 0; i < bytes; i += 16) add4Lanes(target + i, a + i, b + i, c + i, d + i, 4);
  const rest = length & 3;
  if (rest) add4Lanes(target + bytes, a + bytes, b + bytes, c + bytes, d + bytes, rest);
}

/**
 * target = ((s0 + s1) + s2) + ... over `length` elements (a block at most), `offset` bytes into each source. With one
 * source nothing is written. Returns where the sum is: the target, or the only source.
 */
function sumBlock(target: usize, table: usize, sources: u32, offset: usize, length: u32): usize {
  let total = source(table, 0, offset);
  let next: u32 = 1;
  while (next < sources) {
    const a = source(table, next, offset);
    if (sources - next >= 3) {
      add4(target, total, a, source(table, next + 1, offset), source(table, next + 2, offset), length);
      next += 3;
    } else {
      add2(target, total, a, length);
      next += 1;
    }
    total = target;
  }
  return total;
}

/** target[begin, end) = the sum of at least two sources, in the order of the table. `target` may be the first source. */
export function sum(target: usize, table: usize, sources: u32, begin: u32, end: u32): void {
  for (let at = begin; at < end; at += BLOCK_LENGTH) {
    const offset = <usize>at << 2;
    sumBlock(target + offset, table, sources, offset, min(BLOCK_LENGTH, end - at));
  }
}

/**
 * The same, and for each block squares[block index] = the sum of squares of that sum. `begin` is a multiple of the
 * block length. With one source `target` is not written.
 */
export function sumAndSquares(
  target: usize,
  squares: usize,
  table: usize,
  sources: u32,
  begin: u32,
  end: u32,
): void {
  for (let at = begin; at < end; at += BLOCK_LENGTH) {
    const offset = <usize>at << 2;
    const length = min(BLOCK_LENGTH, end - at);
    const x = sumBlock(target + offset, table, sources, offset, length);
    store<f64>(squares + (<usize>(at / BLOCK_LENGTH) << 3), sumOfSquares(x, length));
  }
}
