import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { runIdSchema } from '@elbo/protocol/messages';

/** Where the folders of runs are. */
export interface RunFolders {
  /** The absolute path of a run's folder, free of symbolic links; null when there is none. */
  find(runId: string): Promise<string | null>;
}

/** Of a cluster: `<folder>/<runId>`. */
export class ClusterRunFolders implements RunFolders {
  constructor(private readonly folder: string) {}

  async find(runId: string): Promise<string | null> {
    if (!runIdSchema.safeParse(runId).success) return null;
    const root = await existing(this.folder);
    return root === null ? null : ownPath(root, runId);
  }
}

export interface OpenFile {
  readonly file: FileHandle;
  readonly bytes: number;
  readonly modifiedMs: number;
  /** Another one when the file was replaced. */
  readonly inode: number;
}

/**
 * Opens a file of a run folder to read; null when there is none of this name, or it is a link or no plain file.
 * @param name from a list of allowed names, never as it came
 */
export async function openRunFile(runFolder: string, name: string): Promise<OpenFile | null> {
  const path = await ownPath(runFolder, name);
  if (path === null) return null;
  let file: FileHandle;
  try {
    // A pipe in the place of a file must not hold us up.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
  const stat = await file.stat();
  if (stat.isFile()) return { file, bytes: stat.size, modifiedMs: stat.mtimeMs, inode: stat.ino };
  await file.close();
  return null;
}

/** The path of something in a folder when no part of the way to it is a symbolic link; else null. */
async function ownPath(folder: string, name: string): Promise<string | null> {
  const path = join(folder, name);
  return (await existing(path)) === path ? path : null;
}

async function existing(path: string): Promise<string | null> {
  try {
    return await realpath(path);
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

function isAbsent(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes((error as NodeJS.ErrnoException).code ?? '');
}
