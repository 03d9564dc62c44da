import { createRequire } from 'node:module';
import { type EngineName, engineNames } from '@elbo/protocol/run-spec';
import type { Engine } from './engine.js';
import { EngineUnavailableError } from './errors.js';

interface EngineModule {
  loadEngine(): Promise<Engine>;
}

interface EngineSource {
  /** The library that computes. */
  readonly library: string;
  readonly import: () => Promise<EngineModule>;
  readonly mend: string;
}

const sources: Record<EngineName, EngineSource> = {
  compiled: {
    library: 'onnxruntime-node',
    import: () => import('./compiled/compiled-engine.js'),
    mend: 'Run npm ci again; onnxruntime-node has libraries for Linux (glibc), macOS and Windows',
  },
  'tfjs-node': {
    library: '@tensorflow/tfjs-node',
    import: () => import('./eager/tfjs-node-engine.js'),
    mend: 'Run npm run install:tfjs-node',
  },
  wasm: {
    library: '@tensorflow/tfjs-backend-wasm',
    import: () => import('./eager/wasm-engine.js'),
    mend: 'Run npm ci again',
  },
  cpu: {
    library: '@tensorflow/tfjs-backend-cpu',
    import: () => import('./eager/cpu-engine.js'),
    mend: 'Run npm ci again',
  },
};

/**
 * Loads an engine into this thread; no other engine's library is loaded.
 * @throws EngineUnavailableError with the reason and the mend where its library does not load.
 */
export async function loadEngine(name: EngineName): Promise<Engine> {
  const source = sources[name];
  try {
    return await (await source.import()).loadEngine();
  } catch (error) {
    if (error instanceof EngineUnavailableError) throw error;
    const reason = error instanceof Error ? (error.message.split('\n')[0] as string) : String(error);
    throw new EngineUnavailableError(name, reason, source.mend, { cause: error });
  }
}

/** What `elbo doctor` prints of an engine. */
export interface EngineReport {
  readonly name: EngineName;
  readonly available: boolean;
  /** Of the library that computes: `onnxruntime-node 1.30.0`. */
  readonly version: string;
  /** Why it cannot be used, and what to do about it. */
  readonly reason?: string;
  readonly mend?: string;
}

/** Tries every engine. Loads all libraries that are there: for `elbo doctor` and tests, not for a run. */
export async function probeEngines(): Promise<EngineReport[]> {
  const reports: EngineReport[] = [];
  for (const name of engineNames) reports.push(await probe(name));
  return reports;
}

async function probe(name: EngineName): Promise<EngineReport> {
  const version = engineVersion(name);
  try {
    const engine = await loadEngine(name);
    await engine.dispose();
    return { name, available: true, version };
  } catch (error) {
    const { reason, mend } = error as EngineUnavailableError;
    return { name, available: false, version, reason, mend };
  }
}

/** The library of an engine and its version, without loading it: `onnxruntime-node 1.30.0`. */
export function engineVersion(name: EngineName): string {
  const { library } = sources[name];
  try {
    const manifest = createRequire(import.meta.url)(`${library}/package.json`) as { version: string };
    return `${library} ${manifest.version}`;
  } catch {
    // Not installed at all: the attempt to load it gives the reason.
    return `${library} (not installed)`;
  }
}
