import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const app = dirname(dirname(fileURLToPath(import.meta.url)));
export const root = dirname(dirname(app));
const stamp = join(app, 'dist', '.built-from');

/** The workspaces that are built from sources; none in an image or a package, where there is nothing to build. */
function workspaces() {
  return ['packages', 'apps'].flatMap((group) => {
    const folder = join(root, group);
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .map((name) => `${group}/${name}`)
      .filter((path) => existsSync(join(root, path, 'src')) && existsSync(join(root, path, 'tsconfig.json')));
  });
}

/** A hash of everything that a build reads: about 20 milliseconds. */
export function fingerprint() {
  const hash = createHash('sha256');
  const add = (path) => {
    const found = statSync(join(root, path), { throwIfNoEntry: false });
    if (found?.isDirectory()) for (const name of readdirSync(join(root, path)).sort()) add(`${path}/${name}`);
    else if (found) hash.update(`${path}\0${found.size}\0`).update(readFileSync(join(root, path)));
  };
  for (const name of ['package-lock.json', 'tsconfig.base.json']) add(name);
  for (const path of workspaces()) {
    for (const name of ['src', 'assembly', 'package.json', 'tsconfig.json', 'vite.config.ts']) add(`${path}/${name}`);
  }
  return hash.digest('hex');
}

/** Whether what lies in the dist folders was built from the sources as they are. */
export function isBuilt(sources = fingerprint()) {
  const paths = workspaces();
  if (paths.length === 0) return true;
  if (!existsSync(stamp) || !existsSync(join(app, 'dist', 'main.js'))) return false;
  return paths.every((path) => existsSync(join(root, path, 'dist'))) && readFileSync(stamp, 'utf8') === sources;
}

/** Remembers what the dist folders were built from. */
export function markBuilt(sources = fingerprint()) {
  writeFileSync(stamp, sources);
}
