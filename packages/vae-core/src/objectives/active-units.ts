/** A latent dimension is active when its mean KL is over this, nats. */
const activeNats = 0.01;

/** How many latent dimensions are active. @param klPerDimension means over examples, nats */
export function activeUnits(klPerDimension: readonly number[]): number {
  return klPerDimension.filter((kl) => kl > activeNats).length;
}
