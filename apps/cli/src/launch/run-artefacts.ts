import type { RunArtefacts } from '@elbo/coordinator/coordinator';
import type { ResolvedRun } from '@elbo/protocol/messages';
import { RunFolder } from '../run-folder/run-folder.js';
import { drawRunPictures } from '../run-folder/run-pictures.js';

/** The run folder as the coordinator's artefacts. */
export async function openRunArtefacts(run: ResolvedRun, out: string | null): Promise<RunArtefacts> {
  const folder = await RunFolder.create({ spec: run.spec, runId: run.runId, out });
  return {
    path: folder.path,
    handle: (event) => folder.handle(event),
    async checkpoint(state) {
      await folder.saveModel(state.parameters, state.model.layout, state.step);
    },
    async drawPictures({ spec }, { model, parameters }, dataset) {
      // Engines want memory that is not shared: slice() makes such a copy.
      await folder.savePictures(await drawRunPictures({ spec, model, parameters: parameters.slice(), dataset }));
    },
    close: () => folder.finish(),
  };
}
