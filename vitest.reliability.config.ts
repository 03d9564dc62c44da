import { defineConfig } from 'vitest/config';

/** The long suite: take-over, resume, lost workers, faults of Redis and of the machine; real processes and signals. */
export default defineConfig({
  test: {
    include: ['tests/reliability/**/*.test.ts'],
    pool: 'forks',
    // Each file starts processes that keep both cores busy: side by side they would only wait for each other.
    fileParallelism: false,
    reporters: ['default', './scripts/summary-reporter.mjs'],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    server: { deps: { external: [/\/dist\//, /node_modules/] } },
  },
});
