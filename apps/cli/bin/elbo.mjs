#!/usr/bin/env node
// `elbo`: checks Node, builds the project when it is not built or its sources have changed, and starts the program.

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `elbo needs Node 20.19 or newer, and this is ${process.version}. Install a newer one from https://nodejs.org\n`,
  );
  process.exit(1);
}
// onnxruntime would report its use on some systems: nothing leaves this machine unless its user says so.
process.env.ORT_DISABLE_TELEMETRY ??= '1';

// Imported only now: older Nodes cannot parse what follows.
const { buildWhenStale } = await import('./build-when-stale.mjs');
await buildWhenStale();
await import('../dist/main.js');
