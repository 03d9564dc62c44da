import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

/** Why a small file system cannot be mounted here; null when it can. */
function cannotMount(): string | null {
  if (process.platform !== 'linux') return 'it needs Linux';
  if (process.getuid?.() !== 0) return 'it needs root, to mount a small tmpfs';
  try {
    const folder = '/tmp/elbo-mount-probe';
    execFileSync('sh', ['-c', `mkdir -p ${folder} && mount -t tmpfs -o size=64k tmpfs ${folder} && umount ${folder}`]);
    return null;
  } catch {
    return 'mounting a tmpfs is not allowed here';
  }
}

/** Why tests of a full disk cannot run here; null when they can. */
export const noSmallDisk = cannotMount();
if (noSmallDisk !== null) console.error(`\n*** The test of a full disk is SKIPPED: ${noSmallDisk}. ***\n`);

/** Makes a folder that is a file system of this size (`40k`). */
export function mountSmallDisk(folder: string, size: string): { resize(size: string): void; unmount(): void } {
  const mount = (...how: string[]) => execFileSync('mount', ['-t', 'tmpfs', '-o', how.join(','), 'tmpfs', folder]);
  mkdirSync(folder);
  mount(`size=${size}`);
  return {
    resize: (next) => void mount('remount', `size=${next}`),
    unmount: () => void execFileSync('umount', [folder]),
  };
}
