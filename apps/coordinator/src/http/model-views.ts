import type { LatentPlane } from '@elbo/protocol/cluster';
import type { SplitName } from '@elbo/protocol/messages';

/**
 * What the newest saved model of a run shows of itself; a model that is saved later is noticed. Of a run folder that
 * the caller knows to be one.
 */
export interface ModelViews {
  /** @param limit Of examples, 5000 at most. @throws ModelViewError */
  latentPlane(runFolder: string, limit: number): Promise<LatentPlane>;
  /** What the decoder makes of a point of the plane: a PNG, a pixel for each of an example's. @throws ModelViewError */
  decode(runFolder: string, x: number, y: number): Promise<Uint8Array>;
  /** An example of the data, as the model was trained on it: a PNG as `decode` gives. @throws ModelViewError */
  example(runFolder: string, index: number, split: SplitName): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * no-model: the run has saved none yet, or it cannot be used. no-picture: its examples are no pictures. no-example: there is
 * none of this number in this split. no-point: not a point of the plane. busy: too much is asked at once.
 */
export type ModelViewFault = 'no-model' | 'no-picture' | 'no-example' | 'no-point' | 'busy';

export class ModelViewError extends Error {
  override readonly name = 'ModelViewError';

  constructor(
    readonly code: ModelViewFault,
    message: string,
  ) {
    super(message);
  }
}
