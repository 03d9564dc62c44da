import { readFileSync } from 'node:fs';
import { arch, cpus } from 'node:os';
import type { MemberHello } from '@elbo/protocol/messages';
import { engineNames } from '@elbo/protocol/run-spec';
import { elboVersion } from '@elbo/protocol/version';
import { engineVersion } from '@elbo/vae-core/engines/load-engine';

/** What of a worker decides the bits of its results. */
export type WorkerBuild = Pick<MemberHello, 'version' | 'engines' | 'cpu'>;

/** Vector instructions by which onnxruntime, TensorFlow and V8 choose how they compute a matrix product. */
const decisiveFlags = new Set([
  ...['sse4_1', 'avx', 'f16c', 'fma', 'avx2', 'avx_vnni', 'avx_vnni_int8', 'avx_ne_convert'],
  ...['avx512f', 'avx512cd', 'avx512dq', 'avx512bw', 'avx512vl', 'avx512_vnni', 'avx512_bf16', 'avx512_fp16'],
  ...['amx_tile', 'amx_int8', 'amx_bf16', 'amx_fp16'],
  ...['asimd', 'asimdhp', 'asimddp', 'asimdfhm', 'i8mm', 'bf16', 'sve', 'sve2', 'svei8mm', 'svebf16', 'sme', 'sme2'],
]);

export function thisBuild(): WorkerBuild {
  const engines = Object.fromEntries(engineNames.map((name) => [name, engineVersion(name)]));
  return { version: elboVersion, engines, cpu: cpuType() };
}

/** Such as `x64 GenuineIntel avx avx2 fma`: the kind of CPU, not the name it is sold by. */
function cpuType(): string {
  try {
    return cpuTypeOf(readFileSync('/proc/cpuinfo', 'utf8'));
  } catch {
    // Where the system does not list the instructions, the model stands for them.
    return `${arch()} ${cpus()[0]?.model.trim() ?? 'unknown'}`;
  }
}

/** @param cpuinfo The text of Linux's /proc/cpuinfo; its first processor stands for all. */
export function cpuTypeOf(cpuinfo: string): string {
  const field = (name: RegExp) => name.exec(cpuinfo)?.[1]?.trim() ?? '';
  const vendor = field(/^(?:vendor_id|CPU implementer)\s*:(.*)$/m);
  const flags = field(/^(?:flags|Features)\s*:(.*)$/m).split(' ');
  return [arch(), vendor, ...flags.filter((flag) => decisiveFlags.has(flag)).sort()].join(' ');
}
