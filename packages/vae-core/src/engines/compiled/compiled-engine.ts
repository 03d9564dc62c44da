import type { Engine } from '../engine.js';
import { createEngine } from '../program-engine.js';
import { prepareTfjs } from '../tfjs-runtime.js';
import { compileProgram } from './compile.js';
import { leavesOutputsInPlace, withoutResults } from './outputs-in-place.js';
import { type CompiledSession, openSession } from './session.js';

/**
 * The default engine: a program is recorded once through TensorFlow.js, optimised as one graph with its gradient, and
 * run by onnxruntime on one thread.
 */
export async function loadEngine(): Promise<Engine> {
  prepareTfjs();
  const inPlace = await leavesOutputsInPlace();
  const sessions: CompiledSession[] = [];
  return createEngine({
    name: 'compiled',
    async compile(program) {
      const model = compileProgram(program, inPlace ? withoutResults : undefined);
      const session = await openSession(program, model);
      sessions.push(session);
      return session.run;
    },
    async dispose() {
      await Promise.all(sessions.splice(0).map((session) => session.release()));
    },
  });
}
