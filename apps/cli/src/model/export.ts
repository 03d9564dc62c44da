import { readFile } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import type { ExportResult, ResultFile } from '@elbo/protocol/model-results';
import { elboVersion } from '@elbo/protocol/version';
import { exportOnnx } from '@elbo/vae-core/export/onnx';
import { networkNames } from '@elbo/vae-core/export/record-network';
import { exportTfjs } from '@elbo/vae-core/export/tfjs';
import { UsageError } from '../errors.js';
import type { OpenedModel } from './open-model.js';
import { writeResult } from './output.js';

export type ExportFormat = ExportResult['format'];

export interface ExportOptions {
  readonly format: ExportFormat;
  /** A folder; of safetensors, a file. */
  readonly out?: string | undefined;
}

const writers: Record<ExportFormat, (opened: OpenedModel, out: string | undefined) => Promise<ResultFile[]>> = {
  onnx: writeOnnx,
  safetensors: writeSafetensors,
  tfjs: writeTfjs,
};

/** Writes a model for other runtimes: encoder and decoder each, or the parameters by name. */
export async function exportModel(opened: OpenedModel, { format, out }: ExportOptions): Promise<ExportResult> {
  const files = await writers[format](opened, out);
  return { result: 'export', model: opened.identity, format, files, warnings: [] };
}

async function writeOnnx(opened: OpenedModel, out: string | undefined): Promise<ResultFile[]> {
  const folder = folderOf(opened, 'onnx', out);
  const files: ResultFile[] = [];
  for (const network of networkNames) {
    const bytes = exportOnnx(opened.model, opened.parameters, network, metadataOf(opened));
    files.push(await writeResult(join(folder, `${network}.onnx`), 'onnx', network, bytes));
  }
  return files;
}

async function writeTfjs(opened: OpenedModel, out: string | undefined): Promise<ResultFile[]> {
  const folder = folderOf(opened, 'tfjs', out);
  const files: ResultFile[] = [];
  for (const network of networkNames) {
    const model = exportTfjs(opened.model, opened.parameters, network, metadataOf(opened));
    await writeResult(join(folder, network, model.weightsName), 'tfjs', network, model.weights);
    files.push(await writeResult(join(folder, network, 'model.json'), 'tfjs', network, model.modelJson));
  }
  return files;
}

/** The run's own file, which has been read and checked, and is in that format. */
async function writeSafetensors({ identity, label }: OpenedModel, out: string | undefined): Promise<ResultFile[]> {
  const name = `${label}.safetensors`;
  const isFile = out !== undefined && extname(out) === '.safetensors';
  const path = isFile ? resolve(out) : resolve(out ?? '.', name);
  if (path === identity.path) throw new UsageError(`${path} is the model itself, in that format already`);
  return [await writeResult(path, 'safetensors', 'parameters', await readFile(identity.path))];
}

function folderOf({ label }: OpenedModel, format: ExportFormat, out: string | undefined): string {
  if (out !== undefined && /^\.(onnx|json|bin)$/.test(extname(out))) {
    throw new UsageError(`--out: '${out}' looks like a file, and ${format} is a folder with encoder and decoder in it`);
  }
  return resolve(out ?? `${label}-${format}`);
}

/** What a reader of the file should know; every value is text, as the formats want it. */
function metadataOf({ spec, model, identity, datasetSha256 }: OpenedModel): Record<string, string> {
  return {
    elboVersion,
    name: spec.name,
    ...(identity.runId && { runId: identity.runId }),
    step: String(identity.step),
    parametersSha256: identity.parametersSha256,
    dataset: spec.dataset.name,
    pixels: spec.dataset.pixels,
    ...(datasetSha256 && { datasetSha256 }),
    dataDim: String(model.dataDim),
    latentDim: String(model.latentDim),
    likelihood: JSON.stringify(spec.model.likelihood),
  };
}
