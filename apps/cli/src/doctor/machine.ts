import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, freemem, release, totalmem, type } from 'node:os';
import { join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { datasetCacheFolder } from '@elbo/datasets/cache';
import type { Check } from './check.js';

const gibibyte = 2 ** 30;
const enoughDisk = gibibyte;
const enoughMemory = gibibyte;

/** Node, the operating system, cores, memory, threads, the cache folder and the disk. */
export async function checkMachine(): Promise<Check[]> {
  return [checkNode(), checkSystem(), checkMemory(), await checkThreads(), await checkCache(), await checkDisk()];
}

function checkNode(): Check {
  // bin/elbo.mjs refuses what is too old before anything else is loaded.
  return { name: 'Node', status: 'ok', detail: process.version };
}

function checkSystem(): Check {
  const model = cpus()[0]?.model.trim() ?? 'unknown CPU';
  const cores = availableParallelism();
  return {
    name: 'machine',
    status: 'ok',
    detail: `${type()} ${release()} ${process.arch}, ${cores} ${cores === 1 ? 'core' : 'cores'} (${model})`,
  };
}

function checkMemory(): Check {
  // In a container: what it may use, which is less than what the machine has.
  const total = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  const detail = `${inGiB(total)}, ${inGiB(Math.min(freemem(), total))} free`;
  if (total >= enoughMemory) return { name: 'memory', status: 'ok', detail };
  return {
    name: 'memory',
    status: 'missing',
    detail,
    mend: 'MNIST wants about 1 GiB; raise the limit, or use --limit',
  };
}

function checkThreads(): Promise<Check> {
  return new Promise((done) => {
    const worker = new Worker(
      'require("node:worker_threads").parentPort.postMessage(new SharedArrayBuffer(8).byteLength)',
      {
        eval: true,
      },
    );
    worker.once('message', () => {
      void worker.terminate();
      done({ name: 'threads', status: 'ok', detail: `${availableParallelism()} by default, with shared memory` });
    });
    worker.once('error', (error) =>
      done({
        name: 'threads',
        status: 'failed',
        detail: error.message,
        mend: 'raise the limit of processes (`ulimit -u`) or of memory',
      }),
    );
  });
}

async function checkCache(): Promise<Check> {
  const folder = datasetCacheFolder();
  const probe = join(folder, `.doctor-${process.pid}`);
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(probe, '');
    await rm(probe);
    return { name: 'data set cache', status: 'ok', detail: folder };
  } catch (error) {
    const detail = `${folder} cannot be written: ${(error as Error).message}`;
    return { name: 'data set cache', status: 'failed', detail, mend: 'set ELBO_CACHE to a folder that can be written' };
  }
}

async function checkDisk(): Promise<Check> {
  const folder = resolve('.');
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const detail = `${inGiB(free)} free for run folders in ${folder}`;
  if (free >= enoughDisk) return { name: 'disk', status: 'ok', detail };
  return { name: 'disk', status: 'missing', detail, mend: 'free some space, or put run folders elsewhere with --out' };
}

function inGiB(bytes: number): string {
  return `${(bytes / gibibyte).toFixed(1)} GiB`;
}
