import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import type { RunOrder } from '@elbo/protocol/messages';
import { RunFolderError, UsageError } from '../errors.js';
import { livingConductor, type RunFile, readRunFile } from '../run-folder/run-claim.js';
import { readSpec } from '../spec/read-spec.js';
import { resolveSpec } from '../spec/resolve-spec.js';

interface Found {
  readonly folder: string;
  readonly file: RunFile;
}

/**
 * The run that a person means by a folder, an id or a name, ready to go on.
 * @throws UsageError when there is none, or several
 * @throws RunFolderError when it is completed, or conducted by a living process
 */
export async function findStoppedRun(wanted: string): Promise<{ job: RunOrder; folder: string }> {
  const { folder, file } = await findRun(wanted);
  if (file.state === 'completed') {
    throw new RunFolderError(
      'completed',
      folder,
      `run ${file.runId} is completed: ${join(folder, 'model.safetensors')} is its result, and nothing is left to do. To train longer, train its spec.yaml with more --epochs`,
    );
  }
  const pid = livingConductor(file);
  if (pid !== null) {
    throw new RunFolderError(
      'conducted',
      folder,
      `run ${file.runId} is being conducted by process ${pid} of this machine: stop that one first (kill -INT ${pid}), and resume then`,
    );
  }
  const spec = resolveSpec(await readSpec(join(folder, 'spec.yaml')), new Map());
  return { job: { runId: file.runId, spec }, folder };
}

async function findRun(wanted: string): Promise<Found> {
  const given = await readRunFile(wanted);
  if (given) return { folder: resolve(wanted), file: given };
  if (existsSync(wanted)) {
    throw new UsageError(`${wanted} is not the folder of a run: there is no run.json in it`);
  }
  const all = await runsUnder('runs');
  const placed = all.filter(({ folder }) => folder === resolve('runs', wanted));
  const named = placed.length > 0 ? placed : all.filter(({ file }) => file.runId === wanted);
  const unfinished = all.filter(({ file }) => file.state === 'unfinished' && nameOf(file.runId) === wanted);
  const [only, ...others] = named.length > 0 ? named : unfinished;
  if (!only) {
    const known = all.filter(({ file }) => file.state === 'unfinished').map(({ file }) => file.runId);
    const list =
      known.length > 0 ? `; unfinished under runs/: ${known.join(', ')}` : '; none under runs/ is unfinished';
    throw new UsageError(
      `no unfinished run of this machine is called '${wanted}': give its folder, or its id or name${list}. For a run of a cluster, add --server`,
    );
  }
  if (others.length > 0) {
    // By their folders: a copy of a run's folder has its id too.
    const folders = [only, ...others].map(({ folder }) => relative('.', folder));
    throw new UsageError(`'${wanted}' may mean ${folders.join(' or ')}: give the one that is meant`);
  }
  return only;
}

async function runsUnder(parent: string): Promise<Found[]> {
  const found: Found[] = [];
  for (const name of existsSync(parent) ? (await readdir(parent)).sort() : []) {
    const folder = resolve(parent, name);
    const file = await readRunFile(folder).catch(() => null); // a folder that is no run's is not what is meant
    if (file) found.push({ folder, file });
  }
  return found;
}

/** A run's id without its random end. */
function nameOf(runId: string): string {
  return runId.slice(0, Math.max(0, runId.lastIndexOf('-')));
}
