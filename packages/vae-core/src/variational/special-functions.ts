/** Terms B_2k / (2k (2k - 1)) of Stirling's series. */
const STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360_360, 1 / 156];
/** From here on both series are good to float64. */
const ASYMPTOTIC_FROM = 10;

/** ln Gamma(x) for x > 0: Stirling's series (Abramowitz and Stegun 6.1.41) after shifting x upwards. */
export function logGamma(x: number): number {
  let shifted = x;
  let product = 1;
  while (shifted < ASYMPTOTIC_FROM) {
    product *= shifted;
    shifted += 1;
  }
  const inverse = 1 / shifted;
  let series = 0;
  for (let k = STIRLING.length - 1; k >= 0; k--) series = series * inverse * inverse + (STIRLING[k] as number);
  return (
    (shifted - 0.5) * Math.log(shifted) - shifted + 0.5 * Math.log(2 * Math.PI) + series * inverse - Math.log(product)
  );
}

/** psi(x) = d/dx ln Gamma(x) for x > 0: the derivative of the same series (Abramowitz and Stegun 6.3.18). */
export function digamma(x: number): number {
  let shifted = x;
  let sum = 0;
  while (shifted < ASYMPTOTIC_FROM) {
    sum += 1 / shifted;
    shifted += 1;
  }
  const inverse = 1 / shifted;
  let series = 0;
  for (let k = STIRLING.length - 1; k >= 0; k--) {
    series = series * inverse * inverse + (2 * k + 1) * (STIRLING[k] as number);
  }
  return Math.log(shifted) - 0.5 * inverse - series * inverse * inverse - sum;
}
