/*
 * Ends what a chaos run leaves behind, however the run ends: `node reaper.mjs <folder>`. It reads `+pid` and `-pid` of
 * process groups, one a line, and when its standard input closes it kills those that are left and removes the folder.
 */
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

const groups = new Set();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const pid = Number(line.slice(1));
  if (line.startsWith('+')) groups.add(pid);
  else groups.delete(pid);
});
lines.once('close', () => {
  for (const pid of groups) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {} // it has ended meanwhile
  }
  rmSync(process.argv[2], { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});
