import type { RunState } from '@elbo/protocol/cluster';

export function StateBadge({ state }: { readonly state: RunState }) {
  return <span class={`badge badge-${state}`}>{state}</span>;
}
