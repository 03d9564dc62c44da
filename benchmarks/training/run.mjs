/**
 * Images a second of whole training steps (batch, gradient, averaging, Adam, transport), 784-400-20: embedded with 2
 * threads and through BullMQ with 2 worker processes, beside PyTorch eager with Adam on 2 threads and PyTorch DDP (gloo,
 * 2 processes), in turns in the same minutes. usage: npm run bench -- training [--rounds 3] [--batches 128,1024,8192] [--json]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { locateRedis } from '@elbo/transport/redis/locate-redis';
import { Redis } from 'ioredis';
import { elboBin, machine, median, printTable, pythonWithTorch, runJsonLines } from '../support.mjs';

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    batches: { type: 'string', default: '128,1024,8192' },
    json: { type: 'boolean', default: false },
  },
});
const python = pythonWithTorch();
const torchSteps = fileURLToPath(new URL('../pytorch/train_steps.py', import.meta.url));
const redis = await locateRedis();
const client = new Redis(redis.url);

const contenders = [
  { name: 'embedded, 2 threads', run: (batch) => elbo(batch, ['--threads', '2']) },
  { name: 'PyTorch eager, 2 threads', run: (batch) => torch(batch, 'eager') },
  {
    name: 'BullMQ, 2 worker processes',
    run: (batch) => elbo(batch, ['--redis', redis.url, '--workers', '2', '--threads', '1']),
  },
  { name: 'PyTorch DDP gloo, 2 processes', run: (batch) => torch(batch, 'ddp') },
].filter(({ name }) => python || !name.startsWith('PyTorch'));

const results = [];
for (const batch of flags.batches.split(',').map(Number)) {
  for (const { name, run } of contenders) results.push({ batch, name, run, figures: [], memory: [] });
  const here = results.filter((result) => result.batch === batch);
  for (let round = 0; round < Number(flags.rounds); round++) {
    for (const result of here) {
      const { imagesPerSecond, memory } = await result.run(batch);
      result.figures.push(imagesPerSecond);
      result.memory = memory;
      if (!flags.json)
        console.error(`batch ${batch}, round ${round + 1}: ${result.name}: ${Math.round(imagesPerSecond)} images/s`);
    }
  }
}
report();
await client.quit();
await redis.stop();

/** Steps that are measured. */
function stepsFor(batch) {
  return batch <= 256 ? 1000 : batch <= 2048 ? 150 : 42;
}

/** Steps before those: V8 has compiled what runs in every step by then. */
function warmupFor(batch) {
  return batch <= 256 ? 300 : batch <= 2048 ? 40 : 7;
}

async function elbo(batch, launch) {
  const out = mkdtempSync(join(tmpdir(), 'elbo-bench-'));
  const perEpoch = Math.floor(60_000 / batch);
  const warmup = warmupFor(batch);
  const limit = Math.min(perEpoch, stepsFor(batch) + warmup) * batch;
  const epochs = Math.ceil((stepsFor(batch) + warmup) / (limit / batch));
  const args = [
    'train',
    'mnist',
    '--json',
    '--batch-size',
    batch,
    '--limit',
    limit,
    '--epochs',
    epochs,
    '--out',
    join(out, 'run'),
    ...launch,
  ];
  let during = 0;
  const onSample = async () => {
    during = Math.max(during, await usedMemory());
  };
  const before = await usedMemory();
  try {
    const { lines, peaks } = await runJsonLines(process.execPath, [elboBin, ...args.map(String)], { onSample });
    const after = await usedMemory();
    const redisMemory = launch.includes('--redis')
      ? [
          {
            command: 'redis used_memory, above before: during / after',
            megabytes: `${(during - before).toFixed(2)} / ${(after - before).toFixed(2)}`,
          },
        ]
      : [];
    return { imagesPerSecond: stepRate(lines, warmup), memory: [...peaks, ...redisMemory] };
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** From the times between steps of one epoch: evaluations and checkpoints between epochs are left out. */
function stepRate(lines, warmup) {
  const steps = lines.filter((line) => line.event === 'step');
  let examples = 0;
  let ms = 0;
  for (const [i, step] of steps.entries()) {
    const before = steps[i - 1];
    if (i < warmup || !before || before.epoch !== step.epoch) continue;
    examples += step.examples;
    ms += step.time - before.time;
  }
  return (examples / ms) * 1000;
}

async function torch(batch, mode) {
  const args = [torchSteps, '--batch', batch, '--steps', stepsFor(batch), '--mode', mode].map(String);
  const { lines, peaks } = await runJsonLines(python.python, args);
  return { imagesPerSecond: lines.at(-1).imagesPerSecond, memory: peaks };
}

async function usedMemory() {
  return Number(/used_memory:(\d+)/.exec(await client.info('memory'))[1]) / 2 ** 20;
}

function report() {
  const rows = results.map(({ batch, name, figures, memory }) => ({
    batch,
    name,
    imagesPerSecond: median(figures),
    figures,
    memory,
  }));
  if (flags.json)
    return console.log(JSON.stringify({ machine: machine(), torch: python?.version ?? null, rows }, null, 2));
  console.log(`\n${machine()}; PyTorch ${python?.version ?? 'not found: set PYTHON to one that has torch'}`);
  const peerOf = {
    'embedded, 2 threads': 'PyTorch eager, 2 threads',
    'BullMQ, 2 worker processes': 'PyTorch DDP gloo, 2 processes',
  };
  printTable(
    ['global batch, contender', 'images/s (median)', 'min', 'max', 'ratio to its peer'],
    rows.map(({ batch, name, imagesPerSecond, figures }) => {
      const peer = rows.find((row) => row.batch === batch && row.name === peerOf[name]);
      const ratio = peer ? (imagesPerSecond / peer.imagesPerSecond).toFixed(2) : '';
      return [
        `${batch}  ${name}`,
        Math.round(imagesPerSecond),
        Math.round(Math.min(...figures)),
        Math.round(Math.max(...figures)),
        ratio,
      ];
    }),
  );
  console.log('\nPeak memory of each process (last round), MB');
  for (const { batch, name, memory } of rows) {
    console.log(
      `${batch}  ${name}: ${memory.map(({ command, megabytes }) => `${command} ${typeof megabytes === 'number' ? Math.round(megabytes) : megabytes}`).join('; ')}`,
    );
  }
}
