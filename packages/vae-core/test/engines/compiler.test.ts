import { compileProgram, encodeGraph } from '@elbo/vae-core/engines/compiled/compile';
import type { Graph, Node, OpName } from '@elbo/vae-core/engines/compiled/ir/node';
import { inOrder } from '@elbo/vae-core/engines/compiled/ir/walk';
import { optimize, passes } from '@elbo/vae-core/engines/compiled/passes/optimize';
import { openSession } from '@elbo/vae-core/engines/compiled/session';
import { traceProgram } from '@elbo/vae-core/engines/compiled/trace/trace';
import { loadEngine } from '@elbo/vae-core/engines/load-engine';
import { gradientProgram, type Program } from '@elbo/vae-core/engines/programs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { programOf } from './programs.js';
import { makeSubject, type Subject } from './subjects.js';

// Loading the engine readies TensorFlow.js, as it does for whoever runs programs.
beforeAll(async () => (await loadEngine('compiled')).dispose());

const subjects = [
  makeSubject({ batchSize: 5 }),
  makeSubject({ activation: 'softplus', batchSize: 3, monteCarloSamples: 2, dataDim: 11 }),
  makeSubject({ activation: 'elu', likelihood: { kind: 'gaussian', variance: 'learned' }, batchSize: 4 }),
  makeSubject({ activation: 'sigmoid', likelihood: { kind: 'gaussian', variance: 0.5 }, monteCarloSamples: 3 }),
  makeSubject({ activation: 'tanh', hidden: [96], dataDim: 80, batchSize: 65, latentDim: 16 }),
];

describe('recording a program', () => {
  test('refuses an op that it does not know, by name, and says what to do', () => {
    const program = programOf((x) => tf.erf(x));
    expect(() => traceProgram(program)).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED_OP', engine: 'compiled', op: 'Erf' }),
    );
    expect(() => traceProgram(program)).toThrow(/does not support the op Erf.*choose another engine/);
  });

  test('refuses an op that has no gradient, by name', () => {
    const program = programOf((x) => tf.max(x, 1), true);
    expect(() => traceProgram(program)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_OP', op: 'Max' }));
  });

  test('refuses products of stacks of matrices, and casts that round, by name', () => {
    const stacked = programOf((x) => tf.matMul(tf.reshape(x, [2, 2, 5]), tf.reshape(x, [2, 5, 2])));
    expect(() => traceProgram(stacked)).toThrow(expect.objectContaining({ op: 'BatchMatMul' }));
    expect(() => traceProgram(programOf((x) => tf.cast(x, 'int32')))).toThrow(expect.objectContaining({ op: 'Cast' }));
  });

  test('refuses control flow that depends on values', () => {
    const reads = [
      (x: tf.Tensor) => ((x.dataSync()[0] as number) > 0 ? x : tf.neg(x)),
      (x: tf.Tensor) => {
        void x.data();
        return x;
      },
    ];
    for (const read of reads) {
      expect(() => traceProgram(programOf(read))).toThrow(
        expect.objectContaining({ code: 'DATA_DEPENDENT_CONTROL_FLOW', engine: 'compiled' }),
      );
    }
  });

  test('leaves no tensor, and the backend as it was even when it fails', async () => {
    const cpu = await loadEngine('cpu');
    await tf.setBackend('cpu');
    const tensors = tf.memory().numTensors;
    traceProgram(gradientOf(subjects[1] as Subject));
    expect(tf.memory().numTensors).toBe(tensors);
    expect(() => traceProgram(programOf((x) => tf.erf(x), true))).toThrow();
    expect(tf.getBackend()).toBe('cpu');
    await cpu.dispose();
  });
});

describe('the passes', () => {
  test.each(Object.keys(passes).flatMap((name) => subjects.map((subject) => [name, subject.title, subject] as const)))(
    '%s keeps the values of %s',
    async (name, _title, subject) => {
      const program = gradientOf(subject);
      const traced = traceProgram(program);
      await expectSameValues(program, subject, traced, (passes[name] as (typeof passes)[string])(traced));
    },
  );

  test.each(subjects.map((subject) => [subject.title, subject] as const))(
    'together they do: %s',
    async (_, subject) => {
      const program = gradientOf(subject);
      const traced = traceProgram(program);
      await expectSameValues(program, subject, traced, optimize(traced));
    },
  );

  const half = (x: tf.Tensor) => tf.mul(x, 0.5);
  const rewritten: Record<string, (x: tf.Tensor) => tf.Tensor> = {
    '-x a': (x) => tf.mul(tf.neg(x), 0.3),
    '-(x - y)': (x) => tf.neg(tf.sub(x, tf.exp(x))),
    '-(x a)': (x) => tf.neg(tf.mul(tf.tanh(x), 0.3)),
    'x + -y, -x + y and x - -y': (x) => {
      const y = tf.neg(tf.exp(x));
      return tf.mul(tf.add(x, y), tf.mul(tf.add(y, tf.square(x)), tf.sub(tf.tanh(x), y)));
    },
    '0 - x and x - 0': (x) => tf.mul(tf.sub(0, x), tf.sub(tf.exp(x), 0)),
    'a x + a y and a x - a y': (x) => tf.mul(tf.add(half(x), half(tf.exp(x))), tf.sub(half(x), half(tf.exp(x)))),
    'a x + -a y and a x - -a y': (x) => {
      const y = tf.mul(tf.exp(x), -0.5);
      return tf.mul(tf.add(half(x), y), tf.sub(half(x), y));
    },
    'a x + b y': (x) => tf.add(half(x), tf.mul(tf.exp(x), 0.25)),
    'sums and means of a x': (x) => tf.add(tf.sum(half(tf.exp(x)), 0), tf.mean(tf.mul(x, -3), 0)),
    'products of a x': (x) => tf.exp(tf.matMul(half(x) as tf.Tensor2D, tf.mul(x, -0.2) as tf.Tensor2D, false, true)),
    'a product and two addends': (x) => tf.exp(tf.add(tf.add(x, [0.1, 0.2, 0.3, 0.4, 0.5]), 0.6)),
    'sums of uniform tensors': (x) => tf.add(tf.sum(tf.fill([3, 5], 0.7), 0), tf.mul(x, tf.mean(tf.fill([4], 2)))),
    'differences of softplus': (x) => {
      const wide = tf.reshape(x, [5, 4]);
      return tf.exp(tf.sum(tf.sub(tf.sub(wide, tf.softplus(wide)), tf.softplus(tf.neg(half(wide)))), 1));
    },
  };
  test.each(Object.entries(rewritten))('keep the value of %s', async (_, f) => expectSameValue(programOf(f)));

  test('leave a product alone that is broadcast to what is added to it', async () => {
    const rowAndTable = programOf((product) => tf.add(tf.matMul(tf.ones([1, 4]), product), tf.exp(product)));
    await expectSameValue(rowAndTable);
  });

  test('keep infinity and minus infinity apart', async () => {
    const unbounded = (product: tf.Tensor) =>
      tf.add(tf.minimum(product, Number.POSITIVE_INFINITY), tf.maximum(product, Number.NEGATIVE_INFINITY));
    await expectSameValue(programOf(unbounded));
  });

  test('leave the Bernoulli gradient as sigmoid(logits) - x, with the sigmoid computed once', () => {
    const graph = optimize(traceProgram(gradientOf(makeSubject({ activation: 'linear' }))));
    const wide = inOrder(graph).filter(({ shape }) => shape.at(-1) === 12 && shape.length === 2);
    expect(count(wide, 'Sigmoid')).toBe(2);
    expect(opsOf(graph)).not.toContain('Softplus');
    const gradient = wide.find(({ operation, operands }) => operation.op === 'Sub' && opOf(operands[0]) === 'Sigmoid');
    expect(gradient?.operands[1]?.operation).toMatchObject({ op: 'Input', name: 'x' });
  });

  test('take one logarithm for several elements of the reconstruction term, where the dimensions divide', () => {
    const logarithms = (dataDim: number) =>
      inOrder(optimize(traceProgram(gradientOf(makeSubject({ dataDim }))))).filter((node) => opOf(node) === 'Log');
    expect(logarithms(48).map(({ shape }) => shape)).toEqual([[4, 3]]);
    expect(logarithms(37).map(({ shape }) => shape)).toEqual([[4, 37]]);
  });

  test('put biases and activations into the products, and leave no reshape of one sample but the input', () => {
    const graph = optimize(traceProgram(gradientOf(makeSubject())));
    const products = inOrder(graph).filter((node) => opOf(node) === 'MatMul');
    const fused = products.filter(({ operation }) => operation.op === 'MatMul' && operation.activation === 'Relu');
    expect(fused).toHaveLength(2);
    expect(fused.every(({ operands }) => operands.length === 3)).toBe(true);
    const reshaped = inOrder(graph).filter((node) => opOf(node) === 'Reshape' && node.shape.at(-1) === 3);
    expect(reshaped.map(({ operands }) => opOf(operands[0]))).toEqual(['Input']);
  });

  test('make the graph smaller, and the same graph each time', () => {
    const program = gradientOf(makeSubject());
    const traced = traceProgram(program);
    expect(inOrder(optimize(traced)).length).toBeLessThan(inOrder(traced).length);
    expect(compileProgram(program)).toEqual(compileProgram(program));
  });
});

function gradientOf({ model, monteCarloSamples, batchSize }: Subject): Program {
  return gradientProgram(model, monteCarloSamples, batchSize);
}

async function expectSameValues(program: Program, subject: Subject, before: Graph, after: Graph): Promise<void> {
  const [expected, actual] = [await run(program, subject, before), await run(program, subject, after)];
  for (const [name, values] of Object.entries(expected)) {
    const largest = values.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-3);
    const furthest = values.reduce(
      (max, value, i) => Math.max(max, Math.abs(value - (actual[name]?.[i] as number))),
      0,
    );
    expect(furthest / largest, name).toBeLessThan(1e-5);
  }
}

/** Of a program of programOf. */
async function expectSameValue(program: Program): Promise<void> {
  const parameters = Float32Array.from({ length: 30 }, (_, i) => Math.sin(i));
  const x = Float32Array.from({ length: 24 }, (_, i) => Math.cos(i));
  const traced = traceProgram(program);
  const values = [traced, optimize(traced)].map(async (graph) => {
    const session = await openSession(program, encodeGraph(graph));
    const { y } = await session.run(parameters, { x });
    await session.release();
    return y?.[0] as number;
  });
  const [expected, actual] = (await Promise.all(values)) as [number, number];
  expect(actual).toBeCloseTo(expected, 4);
}

async function run(program: Program, { inputs }: Subject, graph: Graph): Promise<Record<string, Float32Array>> {
  const session = await openSession(program, encodeGraph(graph));
  const gradient = new Float32Array(program.parametersLength).fill(Number.NaN);
  const { parameters, x, epsilon, beta } = inputs;
  const outputs = await session.run(parameters, { x, epsilon, beta: Float32Array.of(beta) }, gradient);
  await session.release();
  return { ...outputs, gradient };
}

function opOf(node: Node | undefined): OpName | undefined {
  return node?.operation.op;
}

function opsOf(graph: Graph): string[] {
  return inOrder(graph).map(({ operation }) => operation.op);
}

function count(nodes: readonly Node[], op: OpName): number {
  return nodes.filter((node) => opOf(node) === op).length;
}
