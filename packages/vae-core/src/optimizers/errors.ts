/** The gradient of a step has a NaN or an infinity. The parameters and the optimiser's state are as they were. */
export class NonFiniteGradientError extends Error {
  readonly code = 'NON_FINITE_GRADIENT';
  override readonly name = 'NonFiniteGradientError';

  constructor(
    /** 0-based. */
    readonly step: number,
    /** Index of the first such element in the flat parameters. */
    readonly index: number,
    /** Index of the first contribution that has it there; null when each is finite and their sum is not. */
    readonly contribution: number | null,
    /** The value of that contribution, or of the sum. */
    readonly value: number,
  ) {
    super(
      `the gradient of step ${step + 1} is ${value} at element ${index} of the parameters, ` +
        (contribution === null ? 'as a sum of finite contributions. ' : `in contribution ${contribution}. `) +
        'Nothing was updated. Lower the learning rate, set clipGlobalNorm, or look for extreme values in the data',
    );
  }
}
