import type { OptimizerSpec } from '@elbo/protocol/run-spec';

const { fround } = Math;
const f = fround;

export interface ReferenceUpdate {
  /** Sum over examples. */
  readonly gradient: Float32Array;
  /** 1 / examples, times the factor of clipping. */
  readonly scale: number;
  readonly learningRate: number;
  readonly step: number;
}

/** One update with float32 rounding after every operation, in the order of the kernels: bit for bit what they give. */
export function float32Update(
  spec: OptimizerSpec,
  p: Float32Array,
  state: readonly Float32Array[],
  { gradient, scale, learningRate, step }: ReferenceUpdate,
): void {
  const [first, second] = state as [Float32Array, Float32Array];
  for (let i = 0; i < p.length; i++) {
    const g = f((gradient[i] as number) * f(scale));
    const parameter = p[i] as number;
    if (spec.kind === 'sgd') {
      p[i] = parameter - f(f(learningRate) * g);
    } else if (spec.kind === 'momentum') {
      const decay = f(spec.momentum);
      const velocity = flush(f(f(decay * (first[i] as number)) + g), 2 ** -100);
      first[i] = velocity;
      const direction = spec.nesterov ? f(g + f(decay * velocity)) : velocity;
      p[i] = parameter - f(f(learningRate) * direction);
    } else {
      const { beta1, beta2 } = spec;
      const rootC2 = Math.sqrt(1 - power(beta2, step + 1));
      const stepSize = f((learningRate * rootC2) / (1 - power(beta1, step + 1)));
      const keep = f(spec.kind === 'adamw' ? 1 - learningRate * spec.weightDecay : 1);
      const m = flush(f((first[i] as number) + f(f(1 - beta1) * f(g - (first[i] as number)))), 2 ** -100);
      const v = flush(f(f(f(beta2) * (second[i] as number)) + f(f(1 - beta2) * f(g * g))), 2 ** -120);
      first[i] = m;
      second[i] = v;
      p[i] = f(keep * parameter) - f(f(stepSize * m) / f(f(Math.sqrt(v)) + f(spec.epsilon * rootC2)));
    }
  }
}

/** The formulas as the papers print them, in double precision; `g` is the averaged gradient. */
export function textbookUpdate(
  spec: OptimizerSpec,
  p: number[],
  state: readonly number[][],
  g: readonly number[],
  learningRate: number,
  step: number,
): void {
  const [first, second] = state as [number[], number[]];
  const t = step + 1;
  for (const [i, gradient] of g.entries()) {
    let theta = p[i] as number;
    if (spec.kind === 'sgd') theta -= learningRate * gradient;
    if (spec.kind === 'momentum') {
      const velocity = spec.momentum * (first[i] as number) + gradient;
      first[i] = velocity;
      theta -= learningRate * (spec.nesterov ? gradient + spec.momentum * velocity : velocity);
    }
    if (spec.kind === 'adam' || spec.kind === 'adamw') {
      if (spec.kind === 'adamw') theta -= learningRate * spec.weightDecay * theta;
      const m = spec.beta1 * (first[i] as number) + (1 - spec.beta1) * gradient;
      const v = spec.beta2 * (second[i] as number) + (1 - spec.beta2) * gradient ** 2;
      first[i] = m;
      second[i] = v;
      const [corrected, variance] = [m / (1 - spec.beta1 ** t), v / (1 - spec.beta2 ** t)];
      theta -= (learningRate * corrected) / (Math.sqrt(variance) + spec.epsilon);
    }
    p[i] = theta;
  }
}

/** By squaring, as the bias corrections are: Math.pow may differ in the last bit. */
function power(base: number, exponent: number): number {
  if (exponent === 0) return 1;
  const half = power(base * base, Math.floor(exponent / 2));
  return exponent % 2 === 1 ? half * base : half;
}

function flush(x: number, tiny: number): number {
  return Math.abs(x) >= tiny ? x : 0;
}
