import type { DatasetSummary } from '@elbo/protocol/api';
import { engineNames, likelihoodSchema, optimizerSpecSchema, pixelTreatmentSchema } from '@elbo/protocol/run-spec';
import { type Json, readList, readNumber, valueAt, withValue } from './spec-text.js';

/** An input for a part of the spec. */
export interface Field {
  readonly label: string;
  readonly path: string;
  readonly kind: 'text' | 'number' | 'list' | 'choice';
  readonly choices?: readonly string[];
  readonly help?: string;
}

/** What people change most; all the rest is in the JSON. */
export const fieldGroups: readonly { readonly title: string; readonly fields: readonly Field[] }[] = [
  {
    title: 'Run',
    fields: [
      { label: 'Name', path: 'name', kind: 'text' },
      { label: 'Data set', path: 'dataset.name', kind: 'choice', choices: [] },
      { label: 'Pixels', path: 'dataset.pixels', kind: 'choice', choices: pixelTreatmentSchema.options },
      { label: 'Seed', path: 'seed', kind: 'number' },
      { label: 'Engine', path: 'engine', kind: 'choice', choices: engineNames },
    ],
  },
  {
    title: 'Model',
    fields: [
      { label: 'Latent dimensions', path: 'model.latentDim', kind: 'number' },
      { label: 'Hidden layers', path: 'model.encoder.hidden', kind: 'list', help: 'the decoder mirrors them' },
      {
        label: 'Likelihood',
        path: 'model.likelihood.kind',
        kind: 'choice',
        choices: likelihoodSchema.options.map((option) => option.shape.kind.value),
        help: 'gaussian for real numbers',
      },
      { label: 'Beta', path: 'objective.beta', kind: 'number', help: 'weight of the KL' },
      { label: 'Beta warm-up', path: 'objective.betaWarmupSteps', kind: 'number', help: 'steps' },
    ],
  },
  {
    title: 'Training',
    fields: [
      { label: 'Epochs', path: 'training.epochs', kind: 'number' },
      { label: 'Batch size', path: 'training.globalBatchSize', kind: 'number', help: 'examples a step' },
      { label: 'Learning rate', path: 'training.learningRate', kind: 'number' },
      {
        label: 'Optimiser',
        path: 'training.optimizer.kind',
        kind: 'choice',
        choices: optimizerSpecSchema.options.map((option) => option.shape.kind.value),
      },
    ],
  },
];

const likelihoods: Readonly<Record<string, Json>> = { gaussian: { kind: 'gaussian', variance: 'learned' } };

/** What the input shows. */
export function written(json: Json | undefined, { path, kind }: Field): string {
  const value = valueAt(json, path);
  if (value === undefined || value === null) return '';
  return kind === 'list' && Array.isArray(value) ? value.join(', ') : String(value);
}

/** The JSON after the input was changed to the text. */
export function changed(json: Json | undefined, { path, kind }: Field, text: string): Json {
  if (kind === 'list') return withHidden(json, readList(text));
  // The other fields of one kind mean nothing to another.
  if (path === 'training.optimizer.kind') return withValue(json, 'training.optimizer', { kind: text });
  if (path === 'model.likelihood.kind') return withValue(json, 'model.likelihood', likelihoods[text] ?? { kind: text });
  if (kind === 'number') return withValue(json, path, text.trim() === '' ? null : readNumber(text));
  return withValue(json, path, text);
}

type ElementType = DatasetSummary['elementType'];

/**
 * The JSON after another data set was chosen. A run that is named after its data set goes on to be, and real numbers
 * have another likelihood than pixels: Bernoulli's refuses them.
 */
export function withDataset(
  json: Json | undefined,
  name: string,
  typeOf: (dataset: Json) => ElementType | undefined,
): Json {
  const before = valueAt(json, 'dataset.name') ?? null;
  const named = withValue(json, 'dataset.name', name);
  const renamed = valueAt(json, 'name') === before ? withValue(named, 'name', name) : named;
  const type = typeOf(name);
  if (type === undefined || type === typeOf(before)) return renamed;
  const kind = type === 'float32' ? 'gaussian' : 'bernoulli';
  return withValue(renamed, 'model.likelihood', likelihoods[kind] ?? { kind });
}

function withHidden(json: Json | undefined, hidden: Json): Json {
  const mirrored = Array.isArray(hidden) ? hidden.toReversed() : hidden;
  return withValue(withValue(json, 'model.encoder.hidden', hidden), 'model.decoder.hidden', mirrored);
}
