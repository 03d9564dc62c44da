import type { ModelViewFault } from '@elbo/coordinator/http/model-views';
import type { LatentPlane } from '@elbo/protocol/cluster';
import type { SplitName } from '@elbo/protocol/messages';

/** What the thread of the views is asked, and what it answers. */
export type ViewTask =
  | { readonly kind: 'plane'; readonly runFolder: string; readonly limit: number }
  | { readonly kind: 'decode'; readonly runFolder: string; readonly x: number; readonly y: number }
  | { readonly kind: 'example'; readonly runFolder: string; readonly index: number; readonly split: SplitName };

/** Errors lose their fields between threads: those that the asker should tell apart are answers. */
export type ViewAnswer =
  | { readonly plane: LatentPlane }
  | { readonly png: Uint8Array }
  | { readonly fault: ModelViewFault; readonly message: string };
