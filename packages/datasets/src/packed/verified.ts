import { readFile, rm, writeFile } from 'node:fs/promises';

/*
 * Hashing 55 MB takes 90 ms of a core, and every worker that replaces a lost one would pay it. So a host remembers,
 * beside a packed file, that it has the hash in its name: for this file (inode), of this size, last written then.
 */

/** Of a file: Node's stat of it with `bigint`. */
export interface FileIdentity {
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

export async function wasVerified(path: string, file: FileIdentity): Promise<boolean> {
  const noted = await readFile(noteOf(path), 'latin1').catch(() => null); // no note, or none that can be read
  return noted === identityOf(file);
}

/** A folder that cannot be written costs the next one the hash again. */
export async function noteVerified(path: string, file: FileIdentity): Promise<void> {
  await writeFile(noteOf(path), identityOf(file)).catch(() => {});
}

/** Removes a packed file, and what is known of it. */
export async function removePacked(path: string): Promise<void> {
  await rm(noteOf(path), { force: true });
  await rm(path, { force: true });
}

function noteOf(path: string): string {
  return `${path}.verified`;
}

function identityOf({ ino, size, mtimeNs }: FileIdentity): string {
  // Whole milliseconds: saying that the file is in use sets its time of writing again, and no more of it.
  return `${ino} ${size} ${(mtimeNs + 500_000n) / 1_000_000n}\n`;
}
