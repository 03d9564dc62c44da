/**
 * Does again what a connection has cut off between the answers of one pipeline: ioredis sends no such pipeline a second
 * time. For work that may be done twice; it waits for Redis, as all commands do.
 */
export async function untilAnswered<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Error) || error.message !== 'Command aborted due to connection close') throw error;
    }
  }
}
