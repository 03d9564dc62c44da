import type { EvaluationResult } from '@elbo/protocol/model-results';
import type { EngineName } from '@elbo/protocol/run-spec';
import { activeUnits } from '@elbo/vae-core/objectives/active-units';
import { meanTerms } from '@elbo/vae-core/objectives/sum-terms';
import { describeExamples } from './chosen-examples.js';
import { type ExampleChoice, openExamples } from './examples.js';
import { importanceWeightedBounds } from './importance-weighted.js';
import { Network } from './network.js';
import type { OpenedModel } from './open-model.js';
import { computeTerms } from './terms.js';

export interface EvaluateOptions extends ExampleChoice {
  /** M: the run's own when left out. */
  readonly samples?: number | undefined;
  /** K of the importance-weighted bound; no bound when left out. */
  readonly importanceSamples?: number | undefined;
  readonly engine?: EngineName | undefined;
  /** Called as the importance-weighted bound comes along, with the part that is done. */
  readonly onProgress?: ((part: number) => void) | undefined;
}

/** The ELBO's terms over a split, by latent dimension too, and a tighter bound of ln p(x) where asked for. */
export async function evaluateModel(opened: OpenedModel, options: EvaluateOptions): Promise<EvaluationResult> {
  const warnings: string[] = [];
  const examples = await openExamples(opened, options, warnings);
  const samples = options.samples ?? opened.spec.objective.monteCarloSamples;
  return Network.with(opened, options.engine, async (network) => {
    const { sums } = await computeTerms(network, examples, samples);
    const klPerDimension = sums.klPerDimension.map((kl) => kl / sums.sampleCount);
    return {
      result: 'evaluation',
      model: opened.identity,
      engine: network.engine.name,
      examples: describeExamples(examples),
      monteCarloSamples: samples,
      ...meanTerms(sums),
      klPerDimension,
      activeUnits: activeUnits(klPerDimension),
      importanceWeighted: await importanceWeighted(network),
      files: [],
      warnings,
    };
  });

  async function importanceWeighted(network: Network): Promise<EvaluationResult['importanceWeighted']> {
    const { importanceSamples, onProgress } = options;
    if (importanceSamples === undefined) return null;
    const bounds = await importanceWeightedBounds(network, examples, importanceSamples, (done) =>
      onProgress?.(done / examples.count),
    );
    return { samples: importanceSamples, bound: bounds.reduce((sum, bound) => sum + bound, 0) / bounds.length };
  }
}
