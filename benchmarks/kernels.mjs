// Milliseconds of the kernels beside the same work as JavaScript loops, in one process on one thread:
//   node benchmarks/kernels.mjs [parameters]
// Medians of 100 calls; the JavaScript loops are given typed arrays and time to be optimised.
import { cpus } from 'node:os';
import { Kernels } from '@elbo/vae-core/kernels/kernels';
import { TensorArena } from '@elbo/vae-core/kernels/tensor-arena';
import { createOptimizer } from '@elbo/vae-core/optimizers/optimizer';

const length = Number(process.argv[2] ?? 652_824);
const spec = { kind: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
const arena = new TensorArena(24 * length * 4);
const kernels = Kernels.create(arena);
const random = () => {
  const x = arena.allocate(length);
  for (let i = 0; i < length; i++) x[i] = Math.random() - 0.5;
  return x;
};

const [target, parameters, m, v] = [arena.allocate(length), random(), arena.allocate(length), arena.allocate(length)];
const sources = Array.from({ length: 8 }, random);
const optimizer = createOptimizer(spec, length, arena, kernels);
const all = { begin: 0, end: length };
const scalars = { scale: 1 / 128, keep: 1, beta1: 0.9, beta2: 0.999, stepSize: 1e-3, epsilon: 1e-8 };

console.log(`${cpus()[0].model}, ${length} parameters, Node ${process.version}\n`);
console.log(`${'milliseconds'.padEnd(44)}  kernel      JS   ratio`);
for (const count of [2, 4, 8]) {
  const few = sources.slice(0, count);
  compare(
    `sum of ${count} contributions`,
    () => kernels.sumInto(target, few),
    () => sumLoop(target, few),
  );
}
compare(
  'sum of squares',
  () => kernels.sumOfSquares(sources[0]),
  () => squaresLoop(sources[0]),
);
compare(
  'search for NaN and infinities',
  () => kernels.firstNonFinite(sources[0]),
  () => finiteLoop(sources[0]),
);
compare(
  'Adam alone',
  () => kernels.adam(parameters, m, v, sources[0], all, scalars),
  () => adamLoop(parameters, m, v, sources[0], scalars),
);
for (const count of [1, 2, 4, 8]) {
  const contributions = sources.slice(0, count);
  const inputs = { parameters, contributions, sampleCount: 128, learningRate: 1e-3, step: 10, clipGlobalNorm: null };
  compare(
    `update: sum of ${count}, norm, check, Adam`,
    () => optimizer.update(inputs),
    () => {
      if (count > 1) sumLoop(target, contributions);
      const g = count > 1 ? target : contributions[0];
      if (!Number.isFinite(squaresLoop(g))) throw new Error('not finite');
      adamLoop(parameters, m, v, g, scalars);
    },
  );
}

function compare(name, kernel, loop) {
  const [fast, slow] = [median(kernel), median(loop)];
  const cells = [fast.toFixed(3), slow.toFixed(3), (slow / fast).toFixed(1)].map((cell) => cell.padStart(6));
  console.log(`${name.padEnd(44)}  ${cells.join('  ')}`);
}

function median(action) {
  for (let i = 0; i < 30; i++) action();
  const times = Array.from({ length: 100 }, () => {
    const start = performance.now();
    action();
    return performance.now() - start;
  });
  return times.sort((a, b) => a - b)[50];
}

function sumLoop(target, [first, ...rest]) {
  target.set(first);
  for (const source of rest) for (let i = 0; i < target.length; i++) target[i] += source[i];
}

function squaresLoop(x) {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += x[i] * x[i];
  return total;
}

function finiteLoop(x) {
  for (let i = 0; i < x.length; i++) if (!Number.isFinite(x[i])) return i;
  return -1;
}

function adamLoop(p, m, v, g, { scale, beta1, beta2, stepSize, epsilon }) {
  for (let i = 0; i < p.length; i++) {
    const gradient = g[i] * scale;
    m[i] += (1 - beta1) * (gradient - m[i]);
    v[i] = beta2 * v[i] + (1 - beta2) * gradient * gradient;
    p[i] -= (stepSize * m[i]) / (Math.sqrt(v[i]) + epsilon);
  }
}
