import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RunFolderError } from '../errors.js';

/**
 * Writes a file so that at any moment its name shows the old content or the new one, whole: a temporary file beside
 * it, fsync, rename, fsync of the folder.
 * @throws RunFolderError `folder-not-written`; the old file is untouched then
 */
export async function writeFileAtomically(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    // The temporary file may not exist; the error that counts is the first.
    await rm(temporary, { force: true }).catch(() => {});
    throw notWritten(path, error);
  }
}

/** Makes a rename durable. Windows cannot open a folder, and does not need it. */
async function syncFolder(path: string): Promise<void> {
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
