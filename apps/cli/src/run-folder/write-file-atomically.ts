import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RunFolderError } from '../errors.js';

/** Other processes, of other hosts too, may write beside this one. */
const own = randomBytes(4).toString('hex');

export function temporaryName(path: string): string {
  return `${path}.${own}.tmp`;
}

/** Whether a file of this name is one that was not finished. */
export function isTemporary(name: string): boolean {
  return /\.[0-9a-f]{8}\.tmp$/.test(name);
}

/**
 * Writes a file so that at any moment its name shows the old content or the new one, whole: a temporary file beside
 * it, fsync, rename, fsync of the folder.
 * @param content Whole, or in parts.
 * @param beforeRename May still refuse by throwing.
 * @throws RunFolderError `folder-not-written`, or what `beforeRename` throws; the old file is untouched then
 */
export async function writeFileAtomically(
  path: string,
  content: string | Uint8Array | readonly Uint8Array[],
  beforeRename: () => Promise<void> = async () => {},
): Promise<void> {
  const temporary = temporaryName(path);
  try {
    const file = await open(temporary, 'w');
    try {
      for (const part of Array.isArray(content) ? content : [content]) await file.writeFile(part);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw notWritten(path, await withoutTemporary(temporary, error));
  }
  try {
    await beforeRename();
  } catch (error) {
    throw await withoutTemporary(temporary, error);
  }
  try {
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    throw notWritten(path, await withoutTemporary(temporary, error));
  }
}

/** The temporary file may not exist; the error that counts is the first. */
async function withoutTemporary(temporary: string, error: unknown): Promise<unknown> {
  await rm(temporary, { force: true }).catch(() => {});
  return error;
}

/** Makes a rename durable. Windows cannot open a folder, and does not need it. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

export function notWritten(path: string, cause: unknown): RunFolderError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const mend =
    code === 'ENOSPC'
      ? 'the disk is full: free some space, or choose another folder with --out'
      : 'see that the folder can be written, or choose another one with --out';
  return new RunFolderError('folder-not-written', path, `${path} could not be written (${message}); ${mend}`, {
    cause,
  });
}
