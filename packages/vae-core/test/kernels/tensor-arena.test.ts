import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { ArenaCapacityError, ArenaExhaustedError, ForeignTensorError } from '@elbo/vae-core/kernels/errors';
import { Kernels } from '@elbo/vae-core/kernels/kernels';
import { TensorArena } from '@elbo/vae-core/kernels/tensor-arena';
import { describe, expect, it } from 'vitest';

describe('a tensor arena', () => {
  it('allocates tensors of zeros that do not overlap, each on a cache line of its own', () => {
    const arena = new TensorArena(4096);
    const tensors = [arena.allocate(5), arena.allocate(1), arena.allocate(16), arena.allocate(0), arena.allocate(3)];
    tensors.forEach((tensor, i) => {
      expect(tensor.byteOffset % 64).toBe(0);
      expect([...tensor].every((x) => x === 0)).toBe(true);
      tensor.fill(i + 1);
    });
    tensors.forEach((tensor, i) => {
      expect([...tensor].every((x) => x === i + 1)).toBe(true);
    });
  });

  it('holds as many tensors as its capacity was computed for', () => {
    const length = 1001;
    const arena = new TensorArena(7 * length * 4);
    Kernels.create(arena);
    for (let i = 0; i < 7; i++) arena.allocate(length);
  });

  it('says what is left when a tensor does not fit, and goes on for one that does', () => {
    const arena = new TensorArena(1 << 20);
    const left = arena.remainingBytes;
    const error = thrownBy(() => arena.allocate(left / 4 + 1));
    expect(error).toBeInstanceOf(ArenaExhaustedError);
    expect(error).toMatchObject({ code: 'ARENA_EXHAUSTED', requestedBytes: left + 4, remainingBytes: left });
    arena.allocate(left / 4);
    expect(arena.remainingBytes).toBe(0);
  });

  it('refuses a capacity beyond what WebAssembly addresses, and says what to do', () => {
    const error = thrownBy(() => new TensorArena(2 ** 32));
    expect(error).toBeInstanceOf(ArenaCapacityError);
    expect(error).toMatchObject({ code: 'ARENA_CAPACITY', requestedBytes: 2 ** 32 });
    expect(String(error)).toMatch(/4294967296 bytes.*fewer shards a step/);
    expect(thrownBy(() => new TensorArena(Number.NaN))).toBeInstanceOf(ArenaCapacityError);
  });

  it('reaches tensors beyond 2 GiB', () => {
    const arena = new TensorArena(2 ** 32 - 2 ** 21);
    const kernels = Kernels.create(arena);
    arena.allocateBytes(3 * 2 ** 30);
    const far = [arena.allocate(100), arena.allocate(100)] as const;
    far[1].fill(2);
    kernels.addInto(far[0], far[1]);
    expect([...far[0]].every((x) => x === 2)).toBe(true);
    expect(kernels.sumOfSquares(far[0])).toBe(400);
  });

  it('does not take the memory or the tensors of others', () => {
    const arena = new TensorArena(4096);
    expect(() => arena.refOf(new Float32Array(4))).toThrow(ForeignTensorError);
    expect(() => arena.refOf(new TensorArena(4096).allocate(4))).toThrow(ForeignTensorError);
    expect(() => TensorArena.attach({ buffer: new SharedArrayBuffer(65_536) })).toThrow(ForeignTensorError);
  });

  it('is one memory for all threads: both sides allocate, and see what the other writes', async () => {
    const arena = new TensorArena(65_536);
    const mine = arena.allocate(1000).fill(1.5);
    const worker = new Worker(new URL('./arena-thread.mjs', import.meta.url), {
      workerData: { memory: arena.memory, ref: arena.refOf(mine) },
    });
    const [theirs] = await once(worker, 'message');
    expect([...mine].every((x) => x === 3)).toBe(true);
    expect(arena.view(theirs)[999]).toBe(7);
    expect(theirs.byteOffset).toBeGreaterThanOrEqual(mine.byteOffset + mine.byteLength);
    expect(arena.allocate(1).byteOffset).toBeGreaterThanOrEqual(theirs.byteOffset + 4000);
  });
});

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}
