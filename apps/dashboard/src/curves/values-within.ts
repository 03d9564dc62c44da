import type uPlot from 'uplot';

/**
 * The numbers of the series at the steps within a zoom, or at all steps without one. Not at those within the plot's own
 * scale of steps: uPlot asks for the range of values before it has set that to what the newest data want.
 */
export function* valuesWithin(
  zoom: readonly [number, number] | null,
  data: uPlot.AlignedData,
  positions: readonly number[],
): Generator<number | null | undefined> {
  const [first, last] = zoom ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const series of positions) {
    const values = data[series] ?? [];
    for (const [index, step] of data[0].entries()) if (step >= first && step <= last) yield values[index];
  }
}

/** Of each of the series the newest number within the zoom. */
export function newestWithin(
  zoom: readonly [number, number] | null,
  data: uPlot.AlignedData,
  positions: readonly number[],
): number[] {
  return positions.flatMap((series) => {
    const values = [...valuesWithin(zoom, data, [series])];
    return values.filter((value): value is number => Number.isFinite(value)).slice(-1);
  });
}
