/**
 * Demands that every number of a prior is finite and above its least value: an improper prior has no ln p(data), and a
 * bound on it would be NaN.
 * @throws RangeError
 */
export function requireProper(prior: Readonly<Record<string, readonly [value: number, least: number]>>): void {
  for (const [name, [value, least]] of Object.entries(prior)) {
    if (value > least && Number.isFinite(value)) continue;
    throw new RangeError(
      `the prior's ${name} must be a number above ${least}, not ${value}: an improper prior has no bound on ln p(data)`,
    );
  }
}
