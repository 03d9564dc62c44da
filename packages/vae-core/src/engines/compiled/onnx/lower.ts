import { type Graph, type Node, type Operation, type Product, sameShape } from '../ir/node.js';
import { inOrder } from '../ir/walk.js';
import {
  attributeTypes,
  contributedOps,
  dataTypes,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
} from './schema.js';

type AttributeValue = OnnxAttribute | number | readonly number[];
type Attributes = Readonly<Record<string, AttributeValue>>;

/** Ops that ONNX has under the same name, with the same meaning and operands and no attributes. */
const sameInOnnx: ReadonlySet<Operation['op']> = new Set([
  ...(['Neg', 'Exp', 'Log', 'Sqrt', 'Abs', 'Relu', 'Sigmoid', 'Tanh', 'Elu', 'Softplus'] as const),
  ...(['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min'] as const),
  ...(['Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'Equal', 'Where'] as const),
]);

/** Writes a graph down in ONNX's ops (operator set 18). */
export function lowerToOnnx(graph: Graph): OnnxGraph {
  const lowering = new Lowering(graph);
  for (const node of inOrder(graph)) lowering.lower(node);
  return lowering.finish();
}

class Lowering {
  readonly #graph: Graph;
  /** The node that writes an output gives its value that output's name: no copy at the end. */
  readonly #outputNames: ReadonlyMap<Node, string>;
  readonly #nodes: OnnxNode[] = [];
  readonly #initializers: OnnxTensor[] = [];
  readonly #inputs: Node[] = [];
  readonly #names = new Map<Node, string>();
  readonly #shared = new Map<string, string>();

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#outputNames = new Map(graph.outputs.map(([name, node]) => [node, name]));
  }

  lower(node: Node): void {
    this.#names.set(node, this.#write(node));
  }

  finish(): OnnxGraph {
    for (const [name, node] of this.#graph.outputs) {
      if (this.#name(node) !== name) this.#emit({ opType: 'Identity', name }, [this.#name(node)]);
    }
    return {
      node: this.#nodes,
      initializer: this.#initializers,
      input: this.#inputs.map((node) => ({
        name: this.#name(node),
        dataType: dataTypes[node.type],
        shape: node.shape,
      })),
      output: this.#graph.outputs.map(([name, node]) => ({ name, dataType: dataTypes[node.type], shape: node.shape })),
    };
  }

  /** Writes the ops of one node, and gives the name of its value. */
  #write(node: Node): string {
    const { operation, shape } = node;
    const operands = node.operands.map((operand) => this.#name(operand));
    const emit = (opType: string, inputs: readonly string[], attributes?: Attributes, domain?: string): string =>
      this.#emit({ opType, name: this.#outputNames.get(node), domain }, inputs, attributes);
    if (sameInOnnx.has(operation.op)) return emit(operation.op, operands);
    switch (operation.op) {
      case 'Input':
        this.#inputs.push(node);
        return operation.name;
      case 'Uniform':
        return this.#uniform(operation.value, shape);
      case 'Constant':
        return this.#initializer(shape, node.type, operation.values);
      case 'Step':
        return emit('Cast', [this.#emit({ opType: 'Greater' }, [...operands, this.#uniform(0, [])])], toFloat);
      case 'ToFloat':
        return emit('Cast', operands, toFloat);
      case 'ReduceSum':
      case 'ReduceMean':
      case 'ReduceMax':
      case 'ReduceMin':
      case 'ReduceProd': {
        const keepdims = operation.keepDims ? 1 : 0;
        return emit(operation.op, [...operands, this.#integers(operation.axes)], { keepdims });
      }
      case 'Reshape':
      case 'Expand':
        return emit(operation.op, [...operands, this.#integers(shape)]);
      case 'Tile':
        return emit('Tile', [...operands, this.#integers(operation.repeats)]);
      case 'Transpose':
        return emit('Transpose', operands, { perm: operation.permutation });
      case 'MatMul':
        return operation.activation
          ? emit('FusedGemm', operands, productAttributes(operation), contributedOps)
          : emit('Gemm', operands, productAttributes(operation));
      default:
        throw new Error(`no ONNX op is known for ${operation.op}: add it to lower.ts`);
    }
  }

  #name(node: Node): string {
    return this.#names.get(node) as string;
  }

  #emit(
    { opType, name, domain }: { opType: string; name?: string | undefined; domain?: string | undefined },
    input: readonly string[],
    attributes: Attributes = {},
  ): string {
    const output = name ?? `v${this.#nodes.length}`;
    const attribute = Object.entries(attributes).map(([key, value]) => onnxAttribute(key, value));
    this.#nodes.push({ opType, domain: domain ?? '', name: `${opType}:${output}`, input, output: [output], attribute });
    return output;
  }

  #uniform(value: number, shape: readonly number[]): string {
    const scalar = this.#once(`scalar ${Object.is(value, -0) ? '-0' : value}`, () =>
      this.#initializer([], 'float32', Float32Array.of(value)),
    );
    return sameShape(shape, []) ? scalar : this.#emit({ opType: 'Expand' }, [scalar, this.#integers(shape)]);
  }

  #integers(values: readonly number[]): string {
    return this.#once(`integers ${values}`, () => {
      const bytes = new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer);
      return this.#push([values.length], dataTypes.int64, bytes);
    });
  }

  #initializer(shape: readonly number[], type: Node['type'], values: Float32Array): string {
    const bytes = type === 'bool' ? Uint8Array.from(values) : new Uint8Array(values.slice().buffer);
    return this.#push(shape, dataTypes[type], bytes);
  }

  #push(dims: readonly number[], dataType: number, rawData: Uint8Array): string {
    const name = `c${this.#initializers.length}`;
    this.#initializers.push({ name, dims, dataType, rawData });
    return name;
  }

  #once(key: string, make: () => string): string {
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const name = make();
    this.#shared.set(key, name);
    return name;
  }
}

const toFloat: Attributes = { to: dataTypes.float32 };

function productAttributes({ transposeA, transposeB, scale, activation }: Product): Attributes {
  return {
    transA: transposeA ? 1 : 0,
    transB: transposeB ? 1 : 0,
    alpha: { name: 'alpha', type: attributeTypes.float, f: scale },
    ...(activation && {
      activation: { name: 'activation', type: attributeTypes.string, s: new TextEncoder().encode(activation) },
    }),
  };
}

function onnxAttribute(name: string, value: AttributeValue): OnnxAttribute {
  if (typeof value === 'number') return { name, type: attributeTypes.int, i: value };
  return 'type' in value ? value : { name, type: attributeTypes.ints, ints: value };
}
