import { isDeepStrictEqual } from 'node:util';
import type { Graph } from '../engines/compiled/ir/node.js';
import { inOrder } from '../engines/compiled/ir/walk.js';
import { parameterName, traceProgram } from '../engines/compiled/trace/trace.js';
import { decoderProgram, encoderProgram, type Program } from '../engines/programs.js';
import { prepareTfjs } from '../engines/tfjs-runtime.js';
import type { Model } from '../models/model.js';
import type { ParameterEntry } from '../parameter-layout.js';
import { ExportError } from './errors.js';

/**
 * encoder: x [batch, dataDim] to posteriorMean and posteriorLogVar, each [batch, latentDim].
 * decoder: z [batch, latentDim] to likelihoodMean [batch, dataDim].
 */
export const networkNames = ['encoder', 'decoder'] as const;
export type NetworkName = (typeof networkNames)[number];

/** Axis sizes; null where the size is that of the batch. */
export type DynamicShape = readonly (number | null)[];

export interface LoweredNetwork<Body> {
  /** What the format makes of the graph: the same for every batch size. */
  readonly body: Body;
  /** Those that the network reads: the variance of a learned likelihood is not among the decoder's. */
  readonly parameters: readonly ParameterEntry[];
  readonly inputs: readonly (readonly [name: string, shape: DynamicShape])[];
  readonly outputs: readonly (readonly [name: string, shape: DynamicShape])[];
}

const programs: Record<NetworkName, (model: Model, batchSize: number) => Program> = {
  encoder: encoderProgram,
  decoder: decoderProgram,
};

/**
 * Records a network at two batch sizes and lowers both: what differs between them is the batch, and it may differ in
 * the shapes of inputs and outputs alone.
 * @throws ExportError `FIXED_BATCH` when something else hangs on the batch size, or what `lower` throws.
 */
export function lowerNetwork<Body>(
  format: string,
  model: Model,
  network: NetworkName,
  lower: (graph: Graph) => Body,
): LoweredNetwork<Body> {
  prepareTfjs();
  // Neither 1, which broadcasts, nor a likely size of a layer.
  const [one, other] = [1009, 1013].map((batchSize) => {
    const program = programs[network](model, batchSize);
    const graph = traceProgram(program);
    return { program, graph, body: lower(graph) };
  }) as [Recorded<Body>, Recorded<Body>];
  if (!isDeepStrictEqual(one.body, other.body)) {
    throw new ExportError('FIXED_BATCH', format, `its ${network} computes something that hangs on the batch size`);
  }
  const read = namesRead(one.graph);
  return {
    body: one.body,
    parameters: one.program.parameters.filter(({ name }) => read.has(parameterName(name))),
    inputs: withBatch(one.program.inputs, other.program.inputs),
    outputs: withBatch(one.program.outputs, other.program.outputs),
  };
}

interface Recorded<Body> {
  readonly program: Program;
  readonly graph: Graph;
  readonly body: Body;
}

function namesRead(graph: Graph): ReadonlySet<string> {
  const operations = inOrder(graph).map(({ operation }) => operation);
  return new Set(operations.flatMap((operation) => (operation.op === 'Input' ? [operation.name] : [])));
}

/** What an exported file calls a value of the graph: parameters by their names in the layout. */
export function exportedName(graphName: string): string {
  const prefix = parameterName('');
  return graphName.startsWith(prefix) ? graphName.slice(prefix.length) : graphName;
}

/** @throws ExportError `PARAMETERS` */
export function requireParameters(format: string, model: Model, parameters: Float32Array): void {
  if (parameters.length === model.layout.length) return;
  throw new ExportError(
    'PARAMETERS',
    format,
    `there are ${parameters.length} parameters, and its layout has ${model.layout.length}`,
  );
}

function withBatch(one: Program['inputs'], other: Program['inputs']): [string, DynamicShape][] {
  return one.map(([name, shape], i) => {
    const otherShape = other[i]?.[1];
    return [name, shape.map((size, axis) => (size === otherShape?.[axis] ? size : null))];
  });
}
