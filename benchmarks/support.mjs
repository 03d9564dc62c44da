import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const elboBin = fileURLToPath(new URL('../apps/cli/bin/elbo.mjs', import.meta.url));

export function machine() {
  const gibibytes = Math.round(totalmem() / 2 ** 30);
  return `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} threads, ${gibibytes} GiB, Node ${process.version}`;
}

/** A Python with torch, or null: PYTHON, else python3. */
export function pythonWithTorch() {
  const python = process.env.PYTHON ?? 'python3';
  try {
    const version = execFileSync(python, ['-c', 'import torch; print(torch.__version__)'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return { python, version: version.trim() };
  } catch {
    return null;
  }
}

/** Runs a process whose standard output is JSON lines; samples the peak memory of it and its children. */
export function runJsonLines(command, args, { env = {}, onSample } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const lines = [];
    let errors = '';
    const peaks = new Map();
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line)));
    child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
    const sampling = setInterval(() => {
      for (const pid of processTree(child.pid)) samplePeak(pid, peaks);
      onSample?.();
    }, 250);
    child.once('error', reject);
    child.once('close', (code) => {
      clearInterval(sampling);
      if (code !== 0) reject(new Error(`${command} ${args.join(' ')} ended with ${code}: ${errors.slice(-2000)}`));
      else resolve({ lines, peaks: [...peaks.values()] });
    });
  });
}

function processTree(root) {
  const children = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const parent = Number(readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1].split(' ')[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    } catch {} // it ended meanwhile
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

function samplePeak(pid, peaks) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      .split('\0')
      .slice(0, 4)
      .map((word) => word.split('/').at(-1))
      .join(' ');
    peaks.set(pid, { command, megabytes: Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024 });
  } catch {} // it ended meanwhile
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function printTable(header, rows) {
  const all = [header, ...rows].map((row) => row.map(String));
  const widths = header.map((_, i) => Math.max(...all.map((row) => row[i].length)));
  for (const row of all)
    console.log(row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '));
}
