/**
 * Means with exponentially falling weights, without the pull to zero of the first values (Adam's correction, Kingma & Ba
 * 2015, section 3). A null stays a null and weighs nothing.
 * @param weight of the past, 0 (nothing is changed) up to but not including 1
 */
export function smooth(values: readonly (number | null)[], weight: number): (number | null)[] {
  let mean = 0;
  let total = 0;
  return values.map((value) => {
    if (value === null) return null;
    mean = weight * mean + (1 - weight) * value;
    total = weight * total + (1 - weight);
    return mean / total;
  });
}
