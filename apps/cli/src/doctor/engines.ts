import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Check } from './check.js';
import type { EngineFindings } from './probe-engines.js';

const patienceMs = 120_000;

/** Every engine. `compiled` is the default: without it nothing runs unless another one is asked for. */
export async function checkEngines(): Promise<Check[]> {
  const findings = await probe();
  if ('problem' in findings) {
    return [{ name: 'engines', status: 'failed', detail: findings.problem, mend: 'run `npm ci` again' }];
  }
  return findings.engines.map(({ name, available, version, reason, mend }) => {
    const role = name === 'compiled' ? ' (the default)' : '';
    const broken = name === 'compiled' ? 'failed' : 'missing';
    if (!available) {
      return { name: `engine ${name}`, status: broken, detail: `${version}: ${reason}`, ...(mend ? { mend } : {}) };
    }
    if (name !== 'compiled') return { name: `engine ${name}`, status: 'ok', detail: version };
    if (findings.gradient.problem !== undefined) {
      const detail = `${version} loads, and a gradient fails: ${findings.gradient.problem}`;
      return { name: `engine ${name}`, status: broken, detail, mend: 'run `npm ci` again' };
    }
    const speed = `${findings.gradient.milliseconds.toFixed(1)} ms a gradient (784-400-20, batch 128, one thread)`;
    return { name: `engine ${name}`, status: 'ok', detail: `${version}${role}, ${speed}` };
  });
}

/**
 * In a process of its own: an engine is a native library, and one that crashes, or writes to standard output when it
 * is loaded, must not take the doctor along.
 */
function probe(): Promise<EngineFindings | { problem: string }> {
  return new Promise((done) => {
    const child = fork(fileURLToPath(new URL('./probe-engines.js', import.meta.url)), {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      timeout: patienceMs,
    });
    child.once('message', (message) => done(message as EngineFindings));
    child.once('error', (error) => done({ problem: error.message }));
    child.once('exit', (code, signal) => {
      done({ problem: `loading the engines ended the process (${signal ?? `exit code ${code}`})` });
    });
  });
}
