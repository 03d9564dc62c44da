/**
 * base ** exponent for a whole exponent >= 0, by squaring: multiplications alone, so the same bits everywhere, which
 * ECMAScript does not ask of Math.pow.
 */
export function integerPower(base: number, exponent: number): number {
  let power = 1;
  let square = base;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power *= square;
    square *= square;
  }
  return power;
}
