import { defineConfig } from 'vitest/config';

// npm run test:compose. Started in the root: vitest run --config tests/compose/vitest.config.ts --root .

export default defineConfig({
  test: {
    include: ['tests/compose/*.test.ts'],
    pool: 'forks',
    reporters: ['default', './scripts/summary-reporter.mjs'],
    testTimeout: 120_000,
    // A cold build of the images is in a hook.
    hookTimeout: 600_000,
    server: { deps: { external: [/\/dist\//, /node_modules/] } },
  },
});
