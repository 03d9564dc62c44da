/** Of the range of positions: the way over which a weight is applied once. */
const stretchShare = 1 / 1000;

/**
 * Means with exponentially falling weights, without the pull to zero of the first values (Adam's correction, Kingma & Ba
 * 2015, section 3). The past fades by the way from point to point, so that a curve with few points lags no more than
 * one with many. A null stays a null and weighs nothing.
 * @param positions rising, one for each value
 * @param weight of the past after a thousandth of the range (one position at least): 0 changes nothing, below 1
 */
export function smooth(
  values: readonly (number | null)[],
  positions: readonly number[],
  weight: number,
): (number | null)[] {
  const stretch = Math.max(1, ((positions.at(-1) ?? 0) - (positions[0] ?? 0)) * stretchShare);
  let mean = 0;
  let total = 0;
  let before: number | undefined;
  return values.map((value, index) => {
    const position = positions[index];
    if (value === null || position === undefined) return null;
    const past = before === undefined ? 0 : weight ** ((position - before) / stretch);
    before = position;
    mean = past * mean + (1 - weight) * value;
    total = past * total + (1 - weight);
    return mean / total;
  });
}
