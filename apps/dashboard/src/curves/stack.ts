/** Each part on top of those before it. */
export function stack(parts: readonly (readonly (number | null)[])[]): (number | null)[][] {
  let below: readonly (number | null)[] = [];
  return parts.map((part) => {
    const top = part.map((value, index) => (value ?? 0) + (below[index] ?? 0));
    below = top;
    return top;
  });
}
