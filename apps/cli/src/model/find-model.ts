import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { UsageError } from '../errors.js';
import { type RunFile, readRunFile } from '../run-folder/run-claim.js';

const modelName = 'model.safetensors';

export interface FoundModel {
  /** Absolute. */
  readonly path: string;
  /** The run whose folder it lies in. */
  readonly run: RunFile | null;
}

/**
 * The model that a person means by a run folder, by a .safetensors file, or by the id or name of a run under runs/.
 * @throws UsageError when there is none, or several
 */
export async function findModel(wanted: string): Promise<FoundModel> {
  const given = await stat(wanted).catch(() => null);
  if (given?.isFile()) return found(resolve(wanted));
  if (given?.isDirectory()) {
    const path = resolve(wanted, modelName);
    if (existsSync(path)) return found(path);
    throw new UsageError(
      (await readRunFile(wanted))
        ? `${wanted} has no ${modelName}: its run ended before it saved one; go on with it (elbo resume ${wanted})`
        : `${wanted} is not the folder of a run: there is no ${modelName} in it`,
    );
  }
  return findUnderRuns(wanted);
}

async function findUnderRuns(wanted: string): Promise<FoundModel> {
  const names = existsSync('runs') ? (await readdir('runs')).sort() : [];
  const known = names.filter((name) => existsSync(join('runs', name, modelName)));
  const named = known.filter((name) => name === wanted || nameOf(name) === wanted);
  const [only, ...others] = named.includes(wanted) ? [wanted] : named;
  if (only === undefined) {
    const list = known.length > 0 ? `under runs/: ${known.join(', ')}` : 'there is none under runs/';
    throw new UsageError(
      `there is no model '${wanted}': give a run's folder, its id or name, or a .safetensors file; ${list}`,
    );
  }
  if (others.length > 0) {
    throw new UsageError(`'${wanted}' may mean ${named.join(' or ')}: give the one that is meant`);
  }
  return found(resolve('runs', only, modelName));
}

async function found(path: string): Promise<FoundModel> {
  return { path, run: basename(path) === modelName ? await readRunFile(dirname(path)) : null };
}

/** A run's name without the random end of its folder. */
function nameOf(folder: string): string {
  return folder.replace(/-[0-9a-f]{8}$/, '');
}
