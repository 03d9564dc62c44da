// PyTorch as contenders of the benchmark: a Python process that takes its turns when asked.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** The Python that has torch: PYTHON, else python3; undefined with none. */
export function pythonWithTorch() {
  const python = process.env.PYTHON ?? 'python3';
  return spawnSync(python, ['-c', 'import torch'], { stdio: 'ignore' }).status === 0 ? python : undefined;
}

/** Starts the Python process; `subject` holds the flat parameters, the images and the noise of the largest batch. */
export async function startPyTorch(python, { parameters, x, epsilon, batch, sizes }) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'elbo-bench-'));
  const file = path.join(folder, 'subject.f32');
  writeFileSync(file, Buffer.concat([parameters, x, epsilon].map((array) => Buffer.from(array.buffer))));
  const script = path.join(import.meta.dirname, 'pytorch.py');
  const child = spawn(python, [script, file, batch, ...sizes].map(String), {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, OMP_NUM_THREADS: '1', MKL_NUM_THREADS: '1' },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${python} stopped; its own message is above`);
    return JSON.parse(value);
  };
  const { version } = await answer();
  return {
    version,
    async measure(mode, batchSize, iterations) {
      child.stdin.write(`${JSON.stringify({ mode, batch: batchSize, iterations })}\n`);
      return answer();
    },
    async stop() {
      child.stdin.end();
      await new Promise((resolve) => child.once('exit', resolve));
      rmSync(folder, { recursive: true });
    },
  };
}
