import { defineConfig } from 'vite';

export default defineConfig({
  root: 'src',
  // Relative addresses: the page works below any path of a proxy.
  base: './',
  publicDir: 'public',
  build: {
    outDir: '../dist',
    emptyOutDir: true,
    // Everything small stays a file: the content security policy allows no data: scripts or styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2023',
  },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
});
