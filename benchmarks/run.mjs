/** `npm run bench -- <name> [flags]`: each benchmark is one command, side by side with its peers on this machine. */
const benchmarks = {
  engines: './engines/run.mjs',
  training: './training/run.mjs',
  mnist: './training/mnist.mjs',
  kernels: './kernels.mjs',
  load: './load/run.mjs',
};

const [name, ...flags] = process.argv.slice(2);
const script = benchmarks[name ?? ''];
if (!script) {
  console.error(`which benchmark? npm run bench -- ${Object.keys(benchmarks).join(' | ')} [--json]`);
  process.exit(2);
}
process.argv.splice(2, process.argv.length, ...flags);
await import(script);
