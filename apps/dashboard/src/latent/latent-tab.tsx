import { latentPlaneSchema, type RunDetail } from '@elbo/protocol/cluster';
import { useFetched } from '../api/use-fetched.js';
import { Empty, Loading, ProblemBox } from '../components/states.js';
import { isOver } from '../run/is-over.js';
import { PlaneExplorer } from './plane-explorer.js';

const pointsWanted = 1500;

/** Test examples where the encoder puts them, and what the decoder makes of any place between them. */
export function LatentTab({ run }: { readonly run: RunDetail }) {
  const path = `runs/${run.runId}/latent?limit=${pointsWanted}`;
  const { value: plane, problem } = useFetched(latentPlaneSchema, path, `${run.epoch} ${run.state}`);
  if (plane !== null) {
    return <PlaneExplorer runId={run.runId} plane={plane} latentDim={run.spec.model.latentDim} />;
  }
  if (problem === null) return <Loading what="the latent plane" />;
  if (run.epoch > 0) return <ProblemBox title="The latent plane could not be drawn" reason={problem} />;
  if (isOver(run)) {
    return (
      <Empty title="No plane">
        <p>The run ended before it saved any parameters.</p>
      </Empty>
    );
  }
  return (
    <Empty title="No plane yet">
      <p>The latent space is drawn when the run has saved its first parameters, at the latest after its first epoch.</p>
    </Empty>
  );
}
