import { flushMean, flushSquare, loadLanes, storeLanes } from './lanes';

// Each update walks [begin, end) once. The gradient is g * scale: g a sum over examples, `scale` 1 / examples times the
// factor of clipping. The formulas are those of torch.optim; src/optimizers/update-scalars.ts computes the scalars.
// Means are flushed to 0 when tiny (lanes.ts says why).

// @ts-ignore: decorator
@inline
function sgdLanes(p: usize, g: usize, scale: v128, learningRate: v128, count: u32): void {
  const gradient = f32x4.mul(loadLanes(g, count), scale);
  storeLanes(p, f32x4.sub(loadLanes(p, count), f32x4.mul(learningRate, gradient)), count);
}

/** p -= learningRate * gradient */
export function sgd(p: usize, g: usize, begin: u32, end: u32, scale: f32, learningRate: f32): void {
  const scales = f32x4.splat(scale);
  const rates = f32x4.splat(learningRate);
  const rest = (end - begin) & 3;
  const stop = <usize>(end - rest) << 2;
  for (let i = <usize>begin << 2; i < stop; i += 16) sgdLanes(p + i, g + i, scales, rates, 4);
  if (rest) sgdLanes(p + stop, g + stop, scales, rates, rest);
}

// @ts-ignore: decorator
@inline
function momentumLanes(
  p: usize,
  v: usize,
  g: usize,
  scale: v128,
  learningRate: v128,
  decay: v128,
  nesterov: bool,
  count: u32,
): void {
  const gradient = f32x4.mul(loadLanes(g, count), scale);
  const velocity = flushMean(f32x4.add(f32x4.mul(decay, loadLanes(v, count)), gradient));
  storeLanes(v, velocity, count);
  const direction = nesterov ? f32x4.add(gradient, f32x4.mul(decay, velocity)) : velocity;
  storeLanes(p, f32x4.sub(loadLanes(p, count), f32x4.mul(learningRate, direction)), count);
}

/** v = decay * v + gradient; p -= learningRate * (nesterov ? gradient + decay * v : v) */
export function momentum(
  p: usize,
  v: usize,
  g: usize,
  begin: u32,
  end: u32,
  scale: f32,
  learningRate: f32,
  decay: f32,
  nesterov: bool,
): void {
  const scales = f32x4.splat(scale);
  const rates = f32x4.splat(learningRate);
  const decays = f32x4.splat(decay);
  const rest = (end - begin) & 3;
  const stop = <usize>(end - rest) << 2;
  for (let i = <usize>begin << 2; i < stop; i += 16) {
    momentumLanes(p + i, v + i, g + i, scales, rates, decays, nesterov, 4);
  }
  if (rest) momentumLanes(p + stop, v + stop, g + stop, scales, rates, decays, nesterov, rest);
}

// @ts-ignore: decorator
@inline
function adamLanes(
  p: usize,
  m: usize,
  v: usize,
  g: usize,
  scale: v128,
  keep: v128,
  oneMinusBeta1: v128,
  beta2: v128,
  oneMinusBeta2: v128,
  stepSize: v128,
  epsilon: v128,
  count: u32,
): void {
  const gradient = f32x4.mul(loadLanes(g, count), scale);
  const oldMean = loadLanes(m, count);
  const mean = flushMean(f32x4.add(oldMean, f32x4.mul(oneMinusBeta1, f32x4.sub(gradient, oldMean))));
  storeLanes(m, mean, count);
  const oldSquare = f32x4.mul(beta2, loadLanes(v, count));
  const square = flushSquare(
    f32x4.add(oldSquare, f32x4.mul(oneMinusBeta2, f32x4.mul(gradient, gradient))),
  );
  storeLanes(v, square, count);
  const step = f32x4.div(f32x4.mul(stepSize, mean), f32x4.add(f32x4.sqrt(square), epsilon));
  storeLanes(p, f32x4.sub(f32x4.mul(keep, loadLanes(p, count)), step), count);
}

/**
 * m += (1 - beta1) * (gradient - m); v = beta2 * v + (1 - beta2) * gradient^2;
 * p = keep * p - stepSize * m / (sqrt(v) + epsilon). The bias corrections are in `stepSize` and `epsilon`, AdamW's
 * weight decay is in `keep` (1 for Adam).
 */
export function adam(
  p: usize,
  m: usize,
  v: usize,
  g: usize,
  begin: u32,
  end: u32,
  scale: f32,
  keep: f32,
  oneMinusBeta1: f32,
  beta2: f32,
  oneMinusBeta2: f32,
  stepSize: f32,
  epsilon: f32,
): void {
  const scales = f32x4.splat(scale);
  const keeps = f32x4.splat(keep);
  const ones1 = f32x4.splat(oneMinusBeta1);
  const betas2 = f32x4.splat(beta2);
  const ones2 = f32x4.splat(oneMinusBeta2);
  const sizes = f32x4.splat(stepSize);
  const epsilons = f32x4.splat(epsilon);
  const rest = (end - begin) & 3;
  const stop = <usize>(end - rest) << 2;
  for (let i = <usize>begin << 2; i < stop; i += 16) {
    adamLanes(p + i, m + i, v + i, g + i, scales, keeps, ones1, betas2, ones2, sizes, epsilons, 4);
  }
  if (rest) {
    adamLanes(p + stop, m + stop, v + stop, g + stop, scales, keeps, ones1, betas2, ones2, sizes, epsilons, rest);
  }
}
