/** The share at each end that is not looked at when outliers are left out. */
const outlierShare = 0.05;

/**
 * The range of a scale around values, with a little air; without outliers it starts and ends at quantiles, so that the
 * first steps of a run do not flatten all that follows.
 * @param never outliers: a curve that still rises at its end is highest there
 */
export function rangeOf(
  values: Iterable<number | null | undefined>,
  withoutOutliers: boolean,
  never: readonly number[] = [],
): [number, number] {
  const known = [...values].filter((value): value is number => Number.isFinite(value)).sort((a, b) => a - b);
  if (known.length === 0) return [0, 1];
  const skipped = withoutOutliers && known.length >= 20 ? Math.floor(outlierShare * known.length) : 0;
  const low = Math.min(known[skipped] as number, ...never);
  const high = Math.max(known[known.length - 1 - skipped] as number, ...never);
  const air = 0.06 * (high - low) || Math.abs(high) * 0.05 || 1;
  return [low - air, high + air];
}
