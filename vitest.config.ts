import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'packages/*/test/**/*.test.ts',
      'apps/*/test/**/*.test.ts',
      'tests/integration/**/*.test.ts',
      'tests/security/**/*.test.ts',
    ],
    pool: 'forks',
    // Many files wait for processes and clocks: two at a time, even where Vitest would leave a core of two to others.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    reporters: ['default', './scripts/summary-reporter.mjs'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Tests run what users run: the built packages.
    server: { deps: { external: [/\/dist\//, /node_modules/] } },
  },
});
