/** Printed before the tests: what they will use on this machine, and what they found missing. */
import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';
import { probeEngines } from '@elbo/vae-core/engines/load-engine';

console.log(
  `Node ${process.version}, ${process.platform} ${process.arch}, ${cpus()[0]?.model}, ${availableParallelism()} threads`,
);
for (const { name, available, version, reason, mend } of await probeEngines()) {
  console.log(
    available ? `engine ${name}: ${version}` : `engine ${name}: MISSING, its tests are skipped: ${reason}. ${mend}`,
  );
}
console.log(`transport redis: ${describeRedis()}`);

function describeRedis() {
  if (process.env.REDIS_URL) return 'the Redis of REDIS_URL';
  try {
    return `a private ${execFileSync('redis-server', ['--version'], { encoding: 'utf8' }).trim().slice(0, 26)}`;
  } catch {
    return 'MISSING, its tests are skipped: set REDIS_URL, or install redis-server';
  }
}
