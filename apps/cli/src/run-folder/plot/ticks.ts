/** Round numbers (1, 2 or 5 times a power of ten apart) from `low` to `high`, about `wanted` of them. */
export function niceTicks(low: number, high: number, wanted: number): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const far = (step: number): number => Math.abs(Math.log(step / rough));
  const step = [1, 2, 5, 10].map((each) => each * power).reduce((best, each) => (far(each) < far(best) ? each : best));
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

/** A tick's number: as many decimals as the distance between ticks needs. */
export function tickLabel(value: number, step: number): string {
  const decimals = Math.max(0, Math.min(6, -Math.floor(Math.log10(step) + 1e-9)));
  const text = Math.abs(value) >= 1e6 ? value.toExponential(1) : value.toFixed(decimals);
  return text.replace(/^-(?=0(\.0*)?$)/, '').replace('-', '−');
}
