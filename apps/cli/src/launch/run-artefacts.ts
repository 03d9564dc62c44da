import { mkdir, readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { RunArtefacts, RunEnd } from '@elbo/coordinator/run-artefacts';
import type { Fence } from '@elbo/coordinator/surroundings';
import type { PackedDataset } from '@elbo/datasets/packed/packed-dataset';
import type { ResolvedRun } from '@elbo/protocol/messages';
import type { Model } from '@elbo/vae-core/models/model';
import { stepsPerEpoch } from '@elbo/vae-core/steps/step-plan';
import { RunFolderError } from '../errors.js';
import { listCheckpoints, removeCheckpoints, writeCheckpoint } from '../run-folder/checkpoint-files.js';
import { isPictured, removePicturesAfter, writeEpochPictures } from '../run-folder/epoch-pictures.js';
import { RunClaim, readRunFile } from '../run-folder/run-claim.js';
import { RunFolder } from '../run-folder/run-folder.js';
import { RunPainter } from '../run-folder/run-pictures.js';
import { hasTensorboardLog, TensorboardLog } from '../run-folder/tensorboard/tensorboard-log.js';
import { isTemporary, notWritten } from '../run-folder/write-file-atomically.js';

/**
 * Which folder a run gets: a new one (null: runs/<name>-<id>), or one that may have the run's past in it. With event
 * files for TensorBoard where they are wanted, or were begun.
 */
export type FolderPlace = { readonly tensorboard?: boolean } & (
  | { readonly kind: 'new'; readonly out: string | null }
  | { readonly kind: 'kept'; readonly path: string }
);

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
  let kept: RunPainter | null = null;
  const painterOf = (model: Model, dataset: PackedDataset) => {
    kept ??= new RunPainter({ spec, model, dataset });
    return kept;
  };
  const perEpoch = stepsPerEpoch(run.trainExamples, spec.training.globalBatchSize);
  let tensorboard: TensorboardLog | null = null;
  const openTensorboard = async (step: number, epochReported: boolean) => {
    if (!place.tensorboard && !hasTensorboardLog(path)) return;
    const totalSteps = perEpoch * spec.training.epochs;
    tensorboard = await TensorboardLog.open(path, totalSteps, step, epochReported, fence, Date.now());
  };
  if (folder) await openTensorboard(0, true);
  return {
    path,
    checkpoints,
    async continueAfter(step, epochReported) {
      if (folder) return 0;
      const reopened = await RunFolder.reopen({ spec, runId, out: path, fence }, step, epochReported);
      folder = reopened.folder;
      await openTensorboard(step, epochReported);
      await removePicturesAfter(path, Math.floor((epochReported ? step : step - 1) / perEpoch));
      return reopened.recordedStep;
    },
    handle(event) {
      folder?.handle(event);
      tensorboard?.handle(event);
    },
    async flush() {
      await folder?.flush();
      await tensorboard?.flush();
    },
    saveCheckpoint: (checkpoint) => writeCheckpoint(path, checkpoint, fence),
    async saveModel({ model }, parameters, step) {
      await opened().saveModel(parameters, model.layout, step);
    },
    async drawEpoch(epoch, { model, parameters, step }, dataset) {
      if (!isPictured(epoch, spec.training.epochs)) return null;
      try {
        const painter = painterOf(model, dataset);
        if (!painter.draws) return null;
        const pictures = await painter.draw(parameters, 'small');
        for (const picture of Object.values(pictures)) if ('skipped' in picture) return picture.skipped;
        // The claim is fence enough for files that come out the same whoever writes them.
        await writeEpochPictures(path, epoch, pictures, async () => claimed.assertHeld());
        tensorboard?.addPictures(step, pictures, Date.now());
        return null;
      } catch (error) {
        if (error instanceof RunFolderError) return error.message;
        throw error;
      }
    },
    async drawPictures({ model, parameters }, dataset) {
      await opened().savePictures(await painterOf(model, dataset).draw(parameters));
    },
    async close(end: RunEnd) {
      await kept?.close();
      await tensorboard?.close();
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
