import { mkdir, readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { RunArtefacts, RunEnd } from '@elbo/coordinator/run-artefacts';
import type { Fence } from '@elbo/coordinator/surroundings';
import type { ResolvedRun } from '@elbo/protocol/messages';
import { RunFolderError } from '../errors.js';
import { listCheckpoints, removeCheckpoints, writeCheckpoint } from '../run-folder/checkpoint-files.js';
import { RunClaim, readRunFile } from '../run-folder/run-claim.js';
import { RunFolder } from '../run-folder/run-folder.js';
import { drawRunPictures } from '../run-folder/run-pictures.js';
import { isTemporary, notWritten } from '../run-folder/write-file-atomically.js';

/** Which folder a run gets: a new one (null: runs/<name>-<id>), or one that may have the run's past in it. */
export type FolderPlace =
  | { readonly kind: 'new'; readonly out: string | null }
  | { readonly kind: 'kept'; readonly path: string };

/** The run folder as the coordinator's artefacts. */
export async function openRunArtefacts(run: ResolvedRun, place: FolderPlace, leaseFence: Fence): Promise<RunArtefacts> {
  const { spec, runId } = run;
  // Nothing of a new folder is fenced before it is claimed: nobody else knows of it.
  let claim: RunClaim | null = null;
  const fence = async () => {
    await leaseFence();
    await claim?.assertHeld();
  };
  let folder = place.kind === 'new' ? await RunFolder.create({ spec, runId, out: place.out, fence }) : null;
  const path = folder?.path ?? (await prepareKept(place.kind === 'kept' ? place.path : ''));
  claim = await RunClaim.take(path, run);
  const claimed = claim;
  const checkpoints = await listCheckpoints(path);
  const opened = () => {
    if (!folder) throw new Error('continueAfter comes first');
    return folder;
  };
  return {
    path,
    checkpoints,
    async continueAfter(step, epochReported) {
      if (folder) return 0;
      const reopened = await RunFolder.reopen({ spec, runId, out: path, fence }, step, epochReported);
      folder = reopened.folder;
      return reopened.recordedStep;
    },
    handle: (event) => folder?.handle(event),
    flush: async () => folder?.flush(),
    saveCheckpoint: (checkpoint) => writeCheckpoint(path, checkpoint, fence),
    async saveModel({ model }, parameters, step) {
      await opened().saveModel(parameters, model.layout, step);
    },
    async drawPictures(_run, { model, parameters }, dataset) {
      // Engines want memory that is not shared: slice() makes such a copy.
      await opened().savePictures(await drawRunPictures({ spec, model, parameters: parameters.slice(), dataset }));
    },
    async close(end: RunEnd) {
      if (end === 'deposed') return folder?.abandon();
      await folder?.finish();
      await claimed.release(end === 'completed' ? 'completed' : 'unfinished');
      if (end === 'completed') await removeCheckpoints(path);
    },
  };
}

/** Makes the folder when it is not there. @throws RunFolderError `folder-in-use` when something else is in it */
async function prepareKept(folder: string): Promise<string> {
  const path = resolve(folder);
  const there = await mkdir(path, { recursive: true })
    .then(() => readdir(path))
    .catch((error: unknown) => {
      throw notWritten(path, error);
    });
  if (there.some((name) => !isTemporary(name)) && (await readRunFile(path)) === null) {
    throw new RunFolderError('folder-in-use', path, `${path} is not empty, and not the folder of a run; move it away`);
  }
  return path;
}
