import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Artefact } from '@elbo/protocol/cluster';
import { ClusterError, UsageError } from '../errors.js';
import { notWritten, temporaryName } from '../run-folder/write-file-atomically.js';
import type { ClusterClient } from './cluster-client.js';
import { notElbo, unreachable } from './request.js';

/** A file of a live run may grow between the list and the download. */
const mostGrowthBytes = 64 * 1024 * 1024;
const safeName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}(\/[A-Za-z0-9][A-Za-z0-9._-]{0,127}){0,3}$/;

/**
 * Fetches the files of a run's folder into a folder that is new or empty, each whole or not at all.
 * @param onFile Told of each file when it is there.
 * @throws ClusterError, RunFolderError
 * @throws UsageError when something is in the folder
 */
export async function downloadRun(
  client: ClusterClient,
  runId: string,
  folder: string,
  signal: AbortSignal,
  onFile: (path: string, bytes: number) => void,
): Promise<void> {
  const artefacts = await client.artefacts(runId);
  const strange = artefacts.find(({ name }) => !safeName.test(name));
  if (strange) throw notElbo(client.address.server, `a file of the run is called ${JSON.stringify(strange.name)}`);
  await requireEmpty(folder);
  for (const artefact of artefacts) {
    const path = join(folder, artefact.name);
    onFile(path, await downloadFile(client, runId, artefact, path, signal));
  }
}

async function downloadFile(
  client: ClusterClient,
  runId: string,
  { name, bytes }: Artefact,
  path: string,
  signal: AbortSignal,
): Promise<number> {
  const { server } = client.address;
  let received = 0;
  const content = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of await client.artefact(runId, name, signal)) {
      received += chunk.length;
      if (received > bytes + mostGrowthBytes) throw notElbo(server, `${name} is longer than announced`);
      yield chunk;
    }
  };
  const temporary = temporaryName(path);
  try {
    await mkdir(dirname(path), { recursive: true });
    // A stream that opens its file by itself may do so after a failure, when the file was removed already.
    const file = await open(temporary, 'w');
    await pipeline(content, file.createWriteStream(), { signal });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    if (signal.aborted || error instanceof ClusterError) throw error;
    throw isFileError(error) ? notWritten(path, error) : unreachable(server, error);
  }
  return received;
}

async function requireEmpty(folder: string): Promise<void> {
  const there = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw notWritten(folder, error);
  });
  if (there.length > 0) {
    throw new UsageError(`${folder} is not empty, and nothing in it is to be lost: choose another folder with --out`);
  }
}

function isFileError(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).path !== undefined || (error as NodeJS.ErrnoException).code === 'ENOSPC';
}
