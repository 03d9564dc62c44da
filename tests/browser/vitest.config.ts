import { defineConfig } from 'vitest/config';

// npm run test:browser. Started in the root: vitest run --config tests/browser/vitest.config.ts --root .

export default defineConfig({
  test: {
    // A page on a busy machine is polled for longer than the second that is usual.
    expect: { poll: { timeout: 20_000 } },
    include: ['tests/browser/*.test.ts'],
    pool: 'forks',
    // Each file has a cluster and a browser of its own, which keep both cores busy.
    fileParallelism: false,
    reporters: ['default', './scripts/summary-reporter.mjs'],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    server: { deps: { external: [/\/dist\//, /node_modules/] } },
  },
});
