import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { KernelsMissingError } from './errors.js';
import { Instance, Module, type SharedMemory, type WasmModule } from './web-assembly.js';

type Address = number;

/** What assembly/kernels.ts exports. Addresses are bytes; begin, end and lengths are elements. */
export interface WasmKernels {
  readonly BLOCK_LENGTH: { readonly value: number };
  firstNonFinite(x: Address, length: number): number;
  sum(target: Address, table: Address, sources: number, begin: number, end: number): void;
  sumAndSquares(target: Address, squares: Address, table: Address, sources: number, begin: number, end: number): void;
  sgd(p: Address, g: Address, begin: number, end: number, scale: number, learningRate: number): void;
  momentum(
    p: Address,
    v: Address,
    g: Address,
    begin: number,
    end: number,
    scale: number,
    learningRate: number,
    decay: number,
    nesterov: number,
  ): void;
  adam(
    p: Address,
    m: Address,
    v: Address,
    g: Address,
    begin: number,
    end: number,
    scale: number,
    keep: number,
    oneMinusBeta1: number,
    beta2: number,
    oneMinusBeta2: number,
    stepSize: number,
    epsilon: number,
  ): void;
}

let compiled: WasmModule | undefined;

/** The kernels on a memory. V8 compiles the same bytes once a process, whichever thread asks. */
export function instantiateKernels(memory: SharedMemory): WasmKernels {
  compiled ??= new Module(readKernels());
  return new Instance(compiled, { env: { memory } }).exports as WasmKernels;
}

function readKernels(): Uint8Array {
  const path = fileURLToPath(new URL('./kernels.wasm', import.meta.url));
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new KernelsMissingError(path, { cause });
  }
}
