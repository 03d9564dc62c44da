/** The part of WebAssembly used here: its types are in lib.dom, which a Node package does not load. */

/** A WebAssembly.Memory that is shared between threads. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
}

declare const moduleBrand: unique symbol;
export interface WasmModule {
  readonly [moduleBrand]: true;
}

export const { Memory, Module, Instance } = (
  globalThis as unknown as {
    WebAssembly: {
      Memory: new (pages: { initial: number; maximum: number; shared: true }) => SharedMemory;
      Module: new (bytes: Uint8Array) => WasmModule;
      Instance: new (module: WasmModule, imports: { env: { memory: SharedMemory } }) => { readonly exports: unknown };
    };
  }
).WebAssembly;
