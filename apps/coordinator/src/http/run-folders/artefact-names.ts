import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Artefact } from '@elbo/protocol/cluster';

const plain = 'text/plain; charset=utf-8';
/** Files of a run folder that people may have; checkpoints and what is being written are not among them. */
const files: Readonly<Record<string, string>> = {
  'README.md': 'text/markdown; charset=utf-8',
  'run.json': 'application/json',
  'spec.yaml': plain,
  'metrics.ndjson': 'application/x-ndjson',
  'model.safetensors': 'application/octet-stream',
  'curves.png': 'image/png',
  'samples.png': 'image/png',
  'reconstructions.png': 'image/png',
};
/** Folders in it, and the names in them. */
const folders: Readonly<Record<string, { readonly names: RegExp; readonly contentType: string }>> = {
  pictures: { names: /^epoch-\d{4,7}-(samples|reconstructions)\.png$/, contentType: 'image/png' },
  tensorboard: {
    names: /^events\.out\.tfevents\.[A-Za-z0-9._-]{1,80}$/,
    contentType: 'application/octet-stream',
  },
};

/** The content type of an artefact; null for a name that is none. @param name with `/` for those in folders */
export function artefactType(name: string): string | null {
  if (Object.hasOwn(files, name)) return files[name] ?? null;
  const [folder = '', inner = '', ...more] = name.split('/');
  if (more.length > 0 || !Object.hasOwn(folders, folder)) return null;
  return folders[folder]?.names.test(inner) ? (folders[folder]?.contentType ?? null) : null;
}

/** The artefacts that a run folder has now, files before folders. */
export async function listArtefacts(runFolder: string): Promise<Artefact[]> {
  const nested = await Promise.all(
    Object.keys(folders).map(async (folder) =>
      (await namesIn(join(runFolder, folder))).map((name) => `${folder}/${name}`),
    ),
  );
  const names = [...(await namesIn(runFolder)), ...nested.flat()];
  const artefacts = await Promise.all(
    names.map(async (name) => {
      const contentType = artefactType(name);
      if (contentType === null) return [];
      const stat = await lstat(join(runFolder, name)).catch(() => null); // replaced or removed just now
      return stat?.isFile() ? [{ name, bytes: stat.size, contentType }] : [];
    }),
  );
  return artefacts.flat();
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await lstat(folder).then(
    (stat) => (stat.isDirectory() ? readdir(folder) : []),
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    },
  );
  return entries.sort();
}
