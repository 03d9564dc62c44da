/**
 * Who asks while it is at work gets the answer that is on its way: what is done again and again does not pile up while
 * Redis is away, to be done all at once when it is back.
 */
export function oneAtATime<Args extends readonly unknown[], Answer>(
  work: (...args: Args) => Promise<Answer>,
): (...args: Args) => Promise<Answer> {
  let running: Promise<Answer> | null = null;
  return (...args) => {
    running ??= work(...args).finally(() => {
      running = null;
    });
    return running;
  };
}
