export const latentPathNames = ['spherical', 'linear'] as const;
export type LatentPathName = (typeof latentPathNames)[number];

/**
 * The point of the way from `a` to `b` at `t` in [0, 1].
 *
 * - linear: (1 - t) a + t b
 * - spherical: (sin((1 - t) w) a + sin(t w) b) / sin w with w the angle between the two (Shoemake 1985), which keeps to
 *   lengths that the prior finds likely (White 2016, Sampling generative networks); linear where the angle is so near
 *   to 0 or pi that it has no one direction.
 */
export function pointBetween(way: LatentPathName, a: Float32Array, b: Float32Array, t: number): Float32Array {
  const [weightOfA, weightOfB] = (way === 'spherical' ? sphericalWeights(a, b, t) : null) ?? [1 - t, t];
  return a.map((value, i) => weightOfA * value + weightOfB * (b[i] as number));
}

const smallestSine = 1e-4;

function sphericalWeights(a: Float32Array, b: Float32Array, t: number): [number, number] | null {
  const lengths = Math.sqrt(dot(a, a) * dot(b, b));
  if (!(lengths > 0)) return null;
  const angle = Math.acos(Math.min(1, Math.max(-1, dot(a, b) / lengths)));
  const sine = Math.sin(angle);
  if (sine < smallestSine) return null;
  return [Math.sin((1 - t) * angle) / sine, Math.sin(t * angle) / sine];
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
}
