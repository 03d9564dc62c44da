import { basename } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { ModelResult } from '@elbo/protocol/model-results';
import type { RunSpec } from '@elbo/protocol/run-spec';
import { createModel, type Model } from '@elbo/vae-core/models/model';
import { ModelUseError, SafetensorsError, UsageError } from '../errors.js';
import { parametersSha256, readModelFile, type SavedModel } from '../run-folder/model-file.js';
import { findModel } from './find-model.js';

/** A trained model, whole and checked. */
export interface OpenedModel {
  readonly spec: RunSpec;
  readonly model: Model;
  /** Flat, by the model's layout. */
  readonly parameters: Float32Array;
  /** What files made of it are called after. */
  readonly label: string;
  /** The hash of the data set it was trained on, where its run folder says so. */
  readonly datasetSha256: string | null;
  /** Who it is, for results. */
  readonly identity: ModelResult['model'];
}

/** @throws UsageError, SafetensorsError, ModelUseError */
export async function openModel(wanted: string): Promise<OpenedModel> {
  const { path, run } = await findModel(wanted);
  const saved = await readModelFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error instanceof SafetensorsError) throw error;
    throw new UsageError(`${path} cannot be read: ${error.message}`);
  });
  const { spec, parameters, step } = saved;
  return {
    spec,
    model: modelOf(path, saved),
    parameters: requireFinite(path, parameters),
    label: run?.runId ?? basename(path).replace(/\.safetensors$/, ''),
    datasetSha256: run?.datasetSha256 ?? null,
    identity: { path, runId: run?.runId ?? null, step, parametersSha256: parametersSha256(parameters) },
  };
}

/** The model of the spec for as many dimensions as the decoder's last layer has; its tensors must be those saved. */
function modelOf(path: string, { spec, layout }: SavedModel): Model {
  const dataDim = layout.entries.find(({ name }) => name === 'decoder.likelihoodMean.bias')?.length ?? 0;
  const model = dataDim > 0 ? createModel(spec.model, dataDim) : null;
  if (model && isDeepStrictEqual(model.layout, layout)) return model;
  throw new SafetensorsError(`${path} holds other tensors than the model of its spec has: it is not whole`);
}

function requireFinite(path: string, parameters: Float32Array): Float32Array {
  if (parameters.every(Number.isFinite)) return parameters;
  throw new ModelUseError('not-finite', `${path} has parameters that are NaN or infinite: its training failed`);
}
