import { encodeOnnx } from './compile.js';
import { attributeTypes, dataTypes, type OnnxGraph } from './onnx/schema.js';
import { ort, type Session, sessionOptions, type Tensors, tensor } from './onnxruntime.js';

/*
 * onnxruntime-node writes outputs into the arrays that it is given for them, and then copies each into a new array to
 * return it: of a gradient that is as much memory again to clear, to fill and to collect, a fifth of the time at 64
 * images. A sequence it cannot return: where one is the first output, it says so when all outputs are written, and
 * copies none.
 */
const nothing = 'nothing';
const cannotReturn = 'Non tensor type is temporarily not supported.';

/** The graph with an empty sequence before its outputs: a run leaves them where the caller wants them, and returns none. */
export function withoutResults(graph: OnnxGraph): OnnxGraph {
  const dtype = { name: 'dtype', type: attributeTypes.int, i: dataTypes.float32 };
  const node = { opType: 'SequenceEmpty', name: nothing, input: [], output: [nothing], attribute: [dtype] };
  return {
    ...graph,
    node: [...graph.node, node],
    output: [{ name: nothing, dataType: dataTypes.float32, shape: null }, ...graph.output],
  };
}

/** Runs a model, with results or without: either way its outputs are in the arrays of `fetches`. */
export async function runSession(session: Session, feeds: Tensors, fetches: Tensors): Promise<void> {
  if (!session.outputNames.includes(nothing)) {
    await session.run(feeds, fetches);
    return;
  }
  try {
    await session.run(feeds, Object.assign({ [nothing]: null }, fetches));
  } catch (error) {
    if (!(error instanceof Error && error.message === cannotReturn)) throw error;
  }
}

let inPlace: Promise<boolean> | undefined;

/** Whether this onnxruntime-node runs models without results: found out once in a thread, on a doubling. */
export function leavesOutputsInPlace(): Promise<boolean> {
  inPlace ??= tryWithoutResults();
  return inPlace;
}

async function tryWithoutResults(): Promise<boolean> {
  const value = { dataType: dataTypes.float32, shape: [1] };
  const doubling = withoutResults({
    node: [{ opType: 'Add', name: 'add', input: ['x', 'x'], output: ['y'], attribute: [] }],
    initializer: [],
    input: [{ name: 'x', ...value }],
    output: [{ name: 'y', ...value }],
  });
  try {
    const session = await ort.InferenceSession.create(encodeOnnx(doubling), sessionOptions);
    const doubled = new Float32Array(1);
    await runSession(session, { x: tensor(Float32Array.of(3), [1]) }, { y: tensor(doubled, [1]) });
    await session.release();
    return doubled[0] === 6;
  } catch {
    // Another version, which takes this for an error: it returns results, as it is documented.
    return false;
  }
}
