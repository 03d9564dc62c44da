import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { type RunSpec, runSpecSchema } from '@elbo/protocol/run-spec';
import { layParametersOut, type ParameterLayout, parameterView } from '@elbo/vae-core/parameter-layout';
import { SafetensorsError } from '../errors.js';
import { readSafetensors, type SafetensorsContent, writeSafetensors } from './safetensors.js';
import { writeFileAtomically } from './write-file-atomically.js';

const formatName = 'elbo-vae-1';
/** Node reads at most 2 GiB at once. */
const maxModelBytes = 2 ** 31 - 1;

/** A trained model: the parameters, and the spec that says what they mean. */
export interface SavedModel {
  readonly spec: RunSpec;
  readonly layout: ParameterLayout;
  /** Flat, by the layout. */
  readonly parameters: Float32Array;
  /** Updates done. */
  readonly step: number;
}

/** SHA-256 of the flat little-endian float32 parameters, hexadecimal. */
export function parametersSha256(parameters: Float32Array): string {
  return createHash('sha256')
    .update(new Uint8Array(parameters.buffer, parameters.byteOffset, parameters.byteLength))
    .digest('hex');
}

/** Writes model.safetensors: a tensor for each entry of the layout, the spec and the checksum in its metadata. */
export async function writeModelFile(
  path: string,
  { spec, layout, parameters, step }: SavedModel,
  beforeRename?: () => Promise<void>,
): Promise<void> {
  if (parameters.length !== layout.length) {
    throw new SafetensorsError(`${parameters.length} parameters do not fit a layout of ${layout.length}`);
  }
  const file = writeSafetensors({
    tensors: layout.entries.map((entry) => ({ ...entry, data: parameterView(parameters, entry) })),
    metadata: {
      format: formatName,
      spec: JSON.stringify(spec),
      step: String(step),
      parametersSha256: parametersSha256(parameters),
    },
  });
  await writeFileAtomically(path, file, beforeRename);
}

/** Reads what `writeModelFile` wrote, checksum included. @throws SafetensorsError */
export async function readModelFile(path: string): Promise<SavedModel> {
  const { tensors, metadata } = readTensors(path, await readBounded(path));
  if (metadata.format !== formatName) {
    throw new SafetensorsError(
      `${path} is no Elbo model: its format is ${metadata.format ?? 'not given'}, not ${formatName}`,
    );
  }
  const layout = layParametersOut(tensors.map(({ name, shape }) => [name, shape] as const));
  const parameters = new Float32Array(layout.length);
  for (const [i, entry] of layout.entries.entries())
    parameters.set((tensors[i] as { data: Float32Array }).data, entry.offset);
  const found = parametersSha256(parameters);
  if (found !== metadata.parametersSha256) {
    throw new SafetensorsError(
      `${path} has changed: its parameters have the SHA-256 ${found}, not ${metadata.parametersSha256}`,
    );
  }
  const step = Number(metadata.step);
  if (!Number.isSafeInteger(step) || step < 0)
    throw new SafetensorsError(`${path} has no valid step: ${metadata.step}`);
  return { spec: readSpecJson(path, metadata.spec), layout, parameters, step };
}

async function readBounded(path: string): Promise<Uint8Array> {
  const found = await stat(path);
  if (!found.isFile()) throw new SafetensorsError(`${path} is not a file`);
  if (found.size > maxModelBytes) {
    throw new SafetensorsError(`${path} has ${found.size} bytes; no model has more than ${maxModelBytes}`);
  }
  return readFile(path);
}

function readTensors(path: string, file: Uint8Array): SafetensorsContent {
  try {
    return readSafetensors(file);
  } catch (error) {
    throw new SafetensorsError(
      `${path} does not hold (${(error as Error).message}); it was cut off or changed, or is no model: copy or download it again, or train its spec.yaml again`,
      { cause: error },
    );
  }
}

function readSpecJson(path: string, json: string | undefined): RunSpec {
  try {
    return runSpecSchema.parse(JSON.parse(json ?? ''));
  } catch (error) {
    throw new SafetensorsError(`${path} holds no valid run spec: ${(error as Error).message}`, { cause: error });
  }
}
