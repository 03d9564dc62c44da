/** What `elbo doctor` finds out about one thing. */
export interface Check {
  readonly name: string;
  /** `missing` is a thing that some ways of working need; without a `failed` one nothing works. */
  readonly status: 'ok' | 'missing' | 'failed';
  readonly detail: string;
  /** What to do about it. */
  readonly mend?: string;
}
