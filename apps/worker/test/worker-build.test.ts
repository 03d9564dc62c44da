import { cpuTypeOf, thisBuild } from '@elbo/worker/worker-build';
import { describe, expect, it } from 'vitest';

describe('what a worker says of itself', () => {
  it('tells CPUs apart by the instructions that engines choose by, not by the name they are sold under', () => {
    const cpu = (model: string, flags: string) =>
      cpuTypeOf(`vendor_id\t: GenuineIntel\nmodel name\t: ${model}\nflags\t\t: ${flags}\n`);
    const cascadeLake = cpu('Xeon Gold 6248', 'fpu sse4_1 avx avx2 fma avx512f avx512_vnni');
    expect(cpu('Xeon Platinum 8259CL', 'fpu fma sse4_1 avx2 avx avx512f avx512_vnni ht')).toBe(cascadeLake);
    expect(cpu('Xeon E5-2690', 'fpu sse4_1 avx avx2 fma')).not.toBe(cascadeLake);
    expect(cascadeLake).toMatch(/ GenuineIntel avx avx2 avx512_vnni avx512f fma sse4_1$/);
  });

  it('names the library of each engine with its version, and its own', () => {
    const { version, engines, cpu } = thisBuild();
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(engines.compiled).toMatch(/^onnxruntime-node \d+\.\d+\.\d+/);
    expect(cpu.length).toBeGreaterThan(0);
  });
});
