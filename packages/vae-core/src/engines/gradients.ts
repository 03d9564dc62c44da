import tf = require('@tensorflow/tfjs-core');

/*
 * The gradients of the ops that our models use. tfjs-core holds none until the union package @tensorflow/tfjs is loaded,
 * which takes ten times as long to start as tfjs-core itself. These also save passes over large tensors: they use an
 * op's output where that spares computing it again, and leave broadcasting to the ops.
 */
type Dy = tf.Tensor;
type Saved = tf.Tensor[];
type InputGradients = Record<string, () => tf.Tensor>;

const fromOutput = (kernelName: string, derivative: (y: tf.Tensor, dy: Dy) => tf.Tensor): tf.GradConfig => ({
  kernelName,
  outputsToSave: [true],
  gradFunc: (dy, saved) => ({ x: () => derivative(saved[0] as tf.Tensor, dy as Dy) }),
});

const fromInput = (kernelName: string, derivative: (x: tf.Tensor, dy: Dy) => tf.Tensor): tf.GradConfig => ({
  kernelName,
  inputsToSave: ['x'],
  gradFunc: (dy, saved) => ({ x: () => derivative(saved[0] as tf.Tensor, dy as Dy) }),
});

const ofBoth = (
  kernelName: string,
  gradients: (a: tf.Tensor, b: tf.Tensor, dy: Dy) => readonly [() => tf.Tensor, () => tf.Tensor],
): tf.GradConfig => ({
  kernelName,
  inputsToSave: ['a', 'b'],
  gradFunc: (dy, saved) => {
    const [a, b] = saved as [tf.Tensor, tf.Tensor];
    const [gradientOfA, gradientOfB] = gradients(a, b, dy as Dy);
    return { a: () => sumTo(a.shape, gradientOfA()), b: () => sumTo(b.shape, gradientOfB()) };
  },
});

/** The gradient of a broadcast: sums over the axes along which `shape` was repeated. */
function sumTo(shape: number[], gradient: tf.Tensor): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes(shape, gradient.shape);
  const summed = axes.length === 0 ? gradient : tf.sum(gradient, axes);
  return tf.util.arraysEqual(summed.shape, shape) ? summed : tf.reshape(summed, shape);
}

/** The gradient of a sum over `axis`: dy repeated along the axes that were summed away, times `scale`. */
function spread(x: tf.Tensor, axis: unknown, dy: Dy, scale: (count: number) => number): tf.Tensor {
  const axes = tf.util.parseAxisParam(axis as number[], x.shape);
  const kept = x.shape.map((size, i) => (axes.includes(i) ? 1 : size));
  const count = axes.reduce((product, i) => product * (x.shape[i] as number), 1);
  const factor = tf.fill(x.shape, scale(count));
  return tf.mul(tf.reshape(dy, kept), factor);
}

function matMulGradients(dy: Dy, saved: Saved, attributes: tf.NamedAttrMap): InputGradients {
  const [a, b] = saved as [tf.Tensor, tf.Tensor];
  const transposeA = attributes.transposeA === true;
  const transposeB = attributes.transposeB === true;
  return {
    a: () => (transposeA ? tf.matMul(b, dy, transposeB, true) : tf.matMul(dy, b, false, !transposeB)),
    b: () => (transposeB ? tf.matMul(dy, a, true, transposeA) : tf.matMul(a, dy, !transposeA, false)),
  };
}

const gradients: readonly tf.GradConfig[] = [
  ofBoth('Add', (_a, _b, dy) => [() => dy, () => dy]),
  ofBoth('Sub', (_a, _b, dy) => [() => dy, () => tf.neg(dy)]),
  ofBoth('Multiply', (a, b, dy) => [() => tf.mul(dy, b), () => tf.mul(dy, a)]),
  ofBoth('RealDiv', (a, b, dy) => [() => tf.div(dy, b), () => tf.neg(tf.div(tf.mul(dy, a), tf.square(b)))]),
  fromInput('Neg', (_x, dy) => tf.neg(dy)),
  fromInput('Square', (x, dy) => tf.mul(dy, tf.mul(x, 2))),
  fromInput('Log', (x, dy) => tf.div(dy, x)),
  fromOutput('Exp', (y, dy) => tf.mul(dy, y)),
  fromOutput('Sigmoid', (y, dy) => tf.mul(dy, tf.mul(y, tf.sub(1, y)))),
  fromOutput('Tanh', (y, dy) => tf.mul(dy, tf.sub(1, tf.square(y)))),
  fromOutput('Relu', (y, dy) => tf.mul(dy, tf.step(y))),
  // exp(x) where x < 0, else 1: the output is exp(x) - 1 where x < 0, else x.
  fromOutput('Elu', (y, dy) => tf.mul(dy, tf.add(tf.minimum(y, 0), 1))),
  fromInput('Softplus', (x, dy) => tf.mul(dy, tf.sigmoid(x))),
  {
    kernelName: 'Sum',
    inputsToSave: ['x'],
    gradFunc: (dy, saved, attributes) => ({
      x: () => spread(saved[0] as tf.Tensor, attributes.axis, dy as Dy, () => 1),
    }),
  },
  {
    kernelName: 'Mean',
    inputsToSave: ['x'],
    gradFunc: (dy, saved, attributes) => ({
      x: () => spread(saved[0] as tf.Tensor, attributes.axis, dy as Dy, (count) => 1 / count),
    }),
  },
  {
    kernelName: 'Reshape',
    inputsToSave: ['x'],
    gradFunc: (dy, saved) => ({ x: () => tf.reshape(dy as Dy, (saved[0] as tf.Tensor).shape) }),
  },
  {
    kernelName: 'BatchMatMul',
    inputsToSave: ['a', 'b'],
    gradFunc: (dy, saved, attributes) => matMulGradients(dy as Dy, saved, attributes),
  },
  { kernelName: 'Cast', gradFunc: (dy) => ({ x: () => dy as Dy }) },
  { kernelName: 'Identity', gradFunc: (dy) => ({ x: () => dy as Dy }) },
];

/** Makes the gradients known to TensorFlow.js in this thread, in place of any it has for the same ops. */
export function registerGradients(): void {
  for (const gradient of gradients) tf.registerGradient(gradient);
}
