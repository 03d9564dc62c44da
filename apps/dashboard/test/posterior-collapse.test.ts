import { describe, expect, it } from 'vitest';
import { activeUnits, type CollapseFacts, findCollapse } from '../src/run/posterior-collapse.js';

const facts: CollapseFacts = {
  klPerDimension: Array.from({ length: 20 }, () => 1.2),
  step: 4690,
  stepsPerEpoch: 469,
  beta: 1,
  betaWarmupSteps: 0,
};
const withActive = (active: number, dims: number) => Array.from({ length: dims }, (_, i) => (i < active ? 1.2 : 0.002));

describe('active units', () => {
  it('are the dimensions with a KL above 0.01 nats', () => {
    expect(activeUnits([0.5, 0.01, 0.0101, 0])).toBe(2);
  });
});

describe('the alarm of posterior collapse', () => {
  it('is silent for a latent space that is used, or not measured', () => {
    expect(findCollapse(facts)).toBeNull();
    expect(findCollapse({ ...facts, klPerDimension: [] })).toBeNull();
    expect(findCollapse({ ...facts, klPerDimension: withActive(5, 20) })).toBeNull();
    expect(findCollapse({ ...facts, klPerDimension: withActive(1, 2) })).toBeNull();
  });

  it('says that a posterior has collapsed when no dimension is active', () => {
    const found = findCollapse({ ...facts, klPerDimension: withActive(0, 20) });
    expect(found?.level).toBe('collapsed');
    expect(found?.measured).toContain('0 of 20 latent dimensions are active');
    expect(found?.measured).toContain('0.04 nats');
  });

  it('says so too when all dimensions together carry next to nothing', () => {
    expect(findCollapse({ ...facts, klPerDimension: [0.06, 0.03] })?.level).toBe('collapsed');
    expect(findCollapse({ ...facts, klPerDimension: [0.08, 0.03] })).toBeNull();
  });

  it('says that most of the latent space is unused below a quarter of active dimensions', () => {
    const found = findCollapse({ ...facts, klPerDimension: withActive(4, 20) });
    expect(found?.level).toBe('mostly-unused');
    expect(found?.advice[0]).toBe('Try a smaller model.latentDim: 6 instead of 20.');
  });

  it('advises a slow rise of beta of a length that fits the run', () => {
    const found = findCollapse({ ...facts, klPerDimension: withActive(0, 20) });
    expect(found?.advice[0]).toContain('objective.betaWarmupSteps 2,345');
    const longer = findCollapse({ ...facts, klPerDimension: withActive(0, 20), betaWarmupSteps: 1000 });
    expect(longer?.advice[0]).toContain('objective.betaWarmupSteps 3,000');
  });

  it('advises patience while beta still rises, and a lower beta when it is above 1', () => {
    const collapsed = { ...facts, klPerDimension: withActive(0, 20) };
    expect(findCollapse({ ...collapsed, step: 100, betaWarmupSteps: 1000 })?.advice[0]).toContain('until step 1,000');
    expect(findCollapse({ ...collapsed, beta: 4 })?.advice[1]).toContain('Lower objective.beta from 4 towards 1');
  });
});
