/**
 * Indices of at most `limit` places, evenly over the range of their positions: the first of each stretch of equal
 * length, and always the last of all.
 * @param positions rising
 */
export function thinEvenly(positions: readonly number[], limit: number): number[] {
  const last = positions.length - 1;
  if (positions.length <= limit) return positions.map((_, index) => index);
  const start = positions[0] as number;
  const stretch = ((positions[last] as number) - start) / (limit - 1);
  const kept: number[] = [];
  let next = start;
  for (const [index, position] of positions.entries()) {
    if (index === last || position < next) continue;
    kept.push(index);
    next = start + (Math.floor((position - start) / stretch) + 1) * stretch;
  }
  kept.push(last);
  return kept;
}
