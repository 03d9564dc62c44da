/** No distribution on the support has the moments asked for, or one of the features follows from the others. */
export class MomentConstraintError extends Error {
  readonly code = 'MOMENT_CONSTRAINT';
  override readonly name = 'MomentConstraintError';

  constructor(
    readonly moments: readonly number[],
    /** The largest difference from the moments asked for, where the search ended. */
    readonly residual: number,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(
      `no maximum-entropy distribution with the moments [${moments.join(', ')}] was found: ${problem}. ` +
        'The moments must lie strictly inside the convex hull of the features, and no feature may be a sum of others',
      options,
    );
  }
}
