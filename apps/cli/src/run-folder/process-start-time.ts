import { readFileSync } from 'node:fs';

/**
 * When a process of this host started, in the kernel's ticks; undefined when there is none with that number. Where
 * there is no /proc, every process that lives has the same.
 */
export function processStartTime(pid: number): string | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The 22nd field; the second, the name in parentheses, may hold anything. The third tells a zombie.
    const fields = status.slice(status.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return process.platform === 'linux' ? undefined : lives(pid);
  }
}

function lives(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
    return 'alive';
  } catch {
    return undefined;
  }
}
