/*
 * A coordinator of a test: `node coordinator-process.mjs <options as JSON>`. It prints events as JSON, one a line, and
 * may be told to kill itself, as a power cut would, at a phase of a step: { phase, fromStep }; or to hold its event loop
 * up after every so many updates: { everySteps, ms }.
 */
import { serveCoordinator } from '@elbo/cli/launch/serve-coordinator';

const { strike, busy, ...options } = JSON.parse(process.argv[2]);
const nobody = new Int32Array(new SharedArrayBuffer(4));
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());

const onPhase = (phase, step) => {
  if (strike && phase === strike.phase && step >= strike.fromStep) process.kill(process.pid, 'SIGKILL');
  if (busy && phase === 'after-update' && step % busy.everySteps === 0) Atomics.wait(nobody, 0, 0, busy.ms);
};
const sink = { handle: (event) => process.stdout.write(`${JSON.stringify(event)}\n`), close() {} };

await serveCoordinator({ maxRuns: 4, ...options, listen: { host: '127.0.0.1', port: 0 }, onPhase }, sink, stop.signal);
