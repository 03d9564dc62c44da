import protobuf = require('protobufjs/light.js');

/*
 * The part of ONNX's file format that our graphs need, as protobufjs reads a schema. Field numbers are the format's
 * (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
 */
const repeated = (type: string, id: number) => ({ rule: 'repeated', type, id });

const root = protobuf.Root.fromJSON({
  nested: {
    onnx: {
      nested: {
        ModelProto: {
          fields: {
            irVersion: { type: 'int64', id: 1 },
            producerName: { type: 'string', id: 2 },
            graph: { type: 'GraphProto', id: 7 },
            opsetImport: repeated('OperatorSetIdProto', 8),
            metadataProps: repeated('StringStringEntryProto', 14),
          },
        },
        StringStringEntryProto: { fields: { key: { type: 'string', id: 1 }, value: { type: 'string', id: 2 } } },
        OperatorSetIdProto: { fields: { domain: { type: 'string', id: 1 }, version: { type: 'int64', id: 2 } } },
        GraphProto: {
          fields: {
            node: repeated('NodeProto', 1),
            name: { type: 'string', id: 2 },
            initializer: repeated('TensorProto', 5),
            input: repeated('ValueInfoProto', 11),
            output: repeated('ValueInfoProto', 12),
          },
        },
        NodeProto: {
          fields: {
            input: repeated('string', 1),
            output: repeated('string', 2),
            name: { type: 'string', id: 3 },
            opType: { type: 'string', id: 4 },
            attribute: repeated('AttributeProto', 5),
            domain: { type: 'string', id: 7 },
          },
        },
        AttributeProto: {
          fields: {
            name: { type: 'string', id: 1 },
            f: { type: 'float', id: 2 },
            i: { type: 'int64', id: 3 },
            s: { type: 'bytes', id: 4 },
            ints: repeated('int64', 8),
            type: { type: 'int32', id: 20 },
          },
        },
        TensorProto: {
          fields: {
            dims: repeated('int64', 1),
            dataType: { type: 'int32', id: 2 },
            name: { type: 'string', id: 8 },
            rawData: { type: 'bytes', id: 9 },
          },
        },
        ValueInfoProto: { fields: { name: { type: 'string', id: 1 }, type: { type: 'TypeProto', id: 2 } } },
        TypeProto: {
          fields: {
            tensorType: { type: 'TensorTypeProto', id: 1 },
            sequenceType: { type: 'SequenceTypeProto', id: 4 },
          },
        },
        SequenceTypeProto: { fields: { elemType: { type: 'TypeProto', id: 1 } } },
        TensorTypeProto: { fields: { elemType: { type: 'int32', id: 1 }, shape: { type: 'TensorShapeProto', id: 2 } } },
        TensorShapeProto: { fields: { dim: repeated('DimensionProto', 1) } },
        DimensionProto: { fields: { dimValue: { type: 'int64', id: 1 }, dimParam: { type: 'string', id: 2 } } },
      },
    },
  },
});

const modelType = root.lookupType('onnx.ModelProto');

/** ONNX's numbers for element types (TensorProto.DataType). */
export const dataTypes = { float32: 1, int64: 7, bool: 9 } as const;
/** ONNX's numbers for kinds of attributes (AttributeProto.AttributeType). */
export const attributeTypes = { float: 1, int: 2, string: 3, ints: 7 } as const;

export interface OnnxAttribute {
  readonly name: string;
  readonly type: number;
  readonly f?: number;
  readonly i?: number;
  readonly s?: Uint8Array;
  readonly ints?: readonly number[];
}

export interface OnnxNode {
  readonly opType: string;
  /** Empty for ONNX's own ops. */
  readonly domain?: string;
  readonly name: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly OnnxAttribute[];
}

export interface OnnxTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly dataType: number;
  /** Little-endian, row-major. */
  readonly rawData: Uint8Array;
}

export interface OnnxValueInfo {
  readonly name: string;
  readonly dataType: number;
  /** A text stands for a size that is open, by the name of it. Null for a sequence of tensors of any shape. */
  readonly shape: readonly (number | string)[] | null;
}

export interface OnnxGraph {
  /** `program` when left out. */
  readonly name?: string;
  readonly node: readonly OnnxNode[];
  readonly initializer: readonly OnnxTensor[];
  readonly input: readonly OnnxValueInfo[];
  readonly output: readonly OnnxValueInfo[];
}

/** onnxruntime's own ops, which are in all of its builds for CPUs. */
export const contributedOps = 'com.microsoft';

/**
 * The bytes of an ONNX model of that graph, for operator set `opset` and file format `irVersion`.
 * @param metadata Keys and values of the model's metadata_props.
 */
export function encodeModel(
  graph: OnnxGraph,
  opset: number,
  irVersion: number,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const contributed = graph.node.some(({ domain }) => domain === contributedOps);
  const message = {
    irVersion,
    producerName: 'elbo',
    opsetImport: [{ domain: '', version: opset }, ...(contributed ? [{ domain: contributedOps, version: 1 }] : [])],
    graph: {
      ...graph,
      name: graph.name ?? 'program',
      input: graph.input.map(valueInfo),
      output: graph.output.map(valueInfo),
    },
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  };
  return modelType.encode(modelType.fromObject(message)).finish();
}

function valueInfo({ name, dataType, shape }: OnnxValueInfo): object {
  if (shape === null) return { name, type: { sequenceType: { elemType: { tensorType: { elemType: dataType } } } } };
  const dim = shape.map((size) => (typeof size === 'string' ? { dimParam: size } : { dimValue: size }));
  return { name, type: { tensorType: { elemType: dataType, shape: { dim } } } };
}
