import { readFileSync } from 'node:fs';

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
if (flags.includes('--help')) {
  console.log(commentAtTheTop(readFileSync(new URL(script, import.meta.url), 'utf8')));
  process.exit(0);
}
process.argv.splice(2, process.argv.length, ...flags);
await import(script);

function commentAtTheTop(source) {
  const lines = source.split('\n');
  const end = lines.findIndex((line) => !/^(\/\*\*| \*|\/\/)/.test(line));
  return lines
    .slice(0, end)
    .map((line) => line.replace(/^(\/\*\*| \*\/| \*|\/\/) ?/, ''))
    .join('\n')
    .trim();
}
