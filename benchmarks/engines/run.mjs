// Milliseconds a gradient of every engine that loads, and of PyTorch where a Python with torch is given (PYTHON, else
// python3), on one model, one thread. Contenders take turns in short rounds, so that a busy minute hurts all of them.
//
//   node benchmarks/engines/run.mjs [--batches 128,1024] [--engines compiled,wasm] [--rounds 8] [--json]
import os from 'node:os';
import { parseArgs } from 'node:util';
import { engineNames, modelSpecSchema } from '@elbo/protocol/run-spec';
import { loadEngine } from '@elbo/vae-core/engines/load-engine';
import { prepareProcess } from '@elbo/vae-core/engines/prepare-process';
import { createModel } from '@elbo/vae-core/models/model';
import { pythonWithTorch, startPyTorch } from './pytorch.mjs';

/** A contender's turn in a round takes about this long; one that is slower than `slow` for one gradient gets one turn. */
const turnMilliseconds = 400;
const slowMilliseconds = 800;
const tolerance = 1e-3;

const { values: flags } = parseArgs({
  options: {
    batches: { type: 'string', default: '128,1024' },
    engines: { type: 'string', default: engineNames.join(',') },
    rounds: { type: 'string', default: '8' },
    json: { type: 'boolean', default: false },
  },
});
const batches = flags.batches.split(',').map(Number);
const say = (line) => process.stderr.write(`${line}\n`);

const subject = makeSubject(Math.max(...batches));
const contenders = [...(await engineContenders(flags.engines.split(','))), ...(await pytorchContenders())];
const results = [];
for (const batch of batches) results.push(...(await race(contenders, batch, Number(flags.rounds))));
await Promise.all(contenders.map((contender) => contender.stop()));
report(results);

/** Weights, images and noise, the same in every run of the benchmark. */
function makeSubject(batch) {
  const model = createModel(modelSpecSchema.parse({}), 784);
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const fill = (length, draw) => Float32Array.from({ length }, draw);
  return {
    model,
    batch,
    sizes: [784, 400, 20],
    parameters: fill(model.layout.length, () => (next() - 0.5) * 0.1),
    x: fill(batch * 784, next),
    epsilon: fill(batch * 20, () => next() + next() + next() + next() - 2),
  };
}

async function engineContenders(names) {
  const loaded = [];
  prepareProcess();
  for (const name of names) {
    try {
      loaded.push(engineContender(await loadEngine(name)));
    } catch (error) {
      say(`without ${name}: ${error.message}`);
    }
  }
  return loaded;
}

function engineContender(engine) {
  const gradient = new Float32Array(subject.model.layout.length);
  return {
    name: engine.name,
    async measure(batch, iterations) {
      const run = await engine.compileGradient(subject.model, 1, batch);
      const inputs = { parameters: subject.parameters, ...firstExamples(batch), beta: 1 };
      const milliseconds = [];
      let terms;
      for (let i = 0; i < iterations; i++) {
        const start = performance.now();
        terms = await run(inputs, gradient);
        milliseconds.push(performance.now() - start);
      }
      const loss = sum(terms.klDivergence) - sum(terms.reconstructionLogProb);
      return { milliseconds, loss, gradientNorm: Math.sqrt(gradient.reduce((total, g) => total + g * g, 0)) };
    },
    stop: () => engine.dispose(),
  };
}

async function pytorchContenders() {
  const python = pythonWithTorch();
  if (!python) {
    say('without PyTorch: no Python with torch (set PYTHON to one)');
    return [];
  }
  const pytorch = await startPyTorch(python, subject);
  return [
    ['eager', 'PyTorch eager'],
    ['compile', 'torch.compile'],
  ].map(([mode, name]) => ({
    name: `${name} ${pytorch.version}`,
    measure: (batch, iterations) => pytorch.measure(mode, batch, iterations),
    stop: () => (mode === 'eager' ? pytorch.stop() : undefined),
  }));
}

async function race(entrants, batch, rounds) {
  const entries = [];
  for (const contender of entrants) {
    say(`batch ${batch}: warming ${contender.name} up`);
    // The first compiles; the second tells how many fit into a turn.
    const first = await contender.measure(batch, 1);
    const { milliseconds } = await contender.measure(batch, 1);
    const slow = milliseconds[0] > slowMilliseconds;
    const perTurn = Math.max(1, Math.round(turnMilliseconds / milliseconds[0]));
    entries.push({
      contender,
      perTurn,
      turns: slow ? 1 : rounds,
      times: [],
      loss: first.loss,
      norm: first.gradientNorm,
    });
  }
  checkAgreement(entries);
  for (let round = 0; round < rounds; round++) {
    say(`batch ${batch}: round ${round + 1} of ${rounds}`);
    for (const entry of entries.filter(({ turns }) => round < turns)) {
      entry.times.push(...(await entry.contender.measure(batch, entry.perTurn)).milliseconds);
    }
  }
  return entries.map(({ contender, times }) => summary(contender.name, batch, times));
}

function checkAgreement(entries) {
  const [reference] = entries;
  for (const { contender, loss, norm } of entries) {
    const apart = Math.max(Math.abs(loss / reference.loss - 1), Math.abs(norm / reference.norm - 1));
    if (!(apart < tolerance)) {
      throw new Error(`${contender.name} and ${reference.contender.name} do not compute the same: ${apart} apart`);
    }
  }
}

function summary(name, batch, times) {
  const sorted = times.toSorted((a, b) => a - b);
  const milliseconds = sorted[Math.floor(sorted.length / 2)];
  return {
    name,
    batch,
    milliseconds,
    fastest: sorted[0],
    imagesPerSecond: (batch / milliseconds) * 1e3,
    gradients: sorted.length,
  };
}

function report(rows) {
  const machine = { cpu: os.cpus()[0].model, cpus: os.cpus().length, node: process.version };
  const ratio = (row) => row.milliseconds / rows.find(({ batch }) => batch === row.batch).milliseconds;
  const results = rows.map((row) => ({ ...row, timesFirst: ratio(row) }));
  if (flags.json) {
    console.log(JSON.stringify({ benchmark: 'engines', machine, model: '784-400-20 Bernoulli, one thread', results }));
    return;
  }
  console.log(
    `One gradient of 784-400-20 (Bernoulli), one thread, on ${machine.cpu} (${machine.cpus} CPUs), Node ${machine.node}`,
  );
  console.log('| engine | batch | ms (median) | ms (fastest) | images/s | of the first |\n|---|---|---|---|---|---|');
  for (const { name, batch, milliseconds, fastest, imagesPerSecond, timesFirst } of results) {
    const cells = [
      name,
      batch,
      milliseconds.toFixed(2),
      fastest.toFixed(2),
      Math.round(imagesPerSecond),
      `${timesFirst.toFixed(2)} x`,
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
}

function firstExamples(batch) {
  return { x: subject.x.subarray(0, batch * 784), epsilon: subject.epsilon.subarray(0, batch * 20) };
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}
