/** The page's places, in the fragment of its address: the server knows only `/`. */
export const runTabs = ['curves', 'pictures', 'latent', 'events', 'spec', 'files'] as const;
export type RunTab = (typeof runTabs)[number];

export type Route =
  | { readonly view: 'runs' }
  | { readonly view: 'run'; readonly runId: string; readonly tab: RunTab }
  | { readonly view: 'new'; readonly from: string | null }
  | { readonly view: 'workers' }
  | { readonly view: 'unknown' };

export function readRoute(hash: string): Route {
  const [first = '', second = '', third = 'curves'] = hash.replace(/^#?\/?/, '').split('/');
  const valid = /^[a-z0-9][a-z0-9-]{3,62}$/.test(second);
  if (first === '') return { view: 'runs' };
  if (first === 'workers') return { view: 'workers' };
  if (first === 'new') return { view: 'new', from: valid ? second : null };
  const tab = runTabs.find((name) => name === third);
  if (first === 'runs' && valid && tab) return { view: 'run', runId: second, tab };
  return { view: 'unknown' };
}

export function linkTo(to: Exclude<Route, { view: 'unknown' }>): string {
  if (to.view === 'runs') return '#/';
  if (to.view === 'workers') return '#/workers';
  if (to.view === 'new') return to.from === null ? '#/new' : `#/new/${to.from}`;
  return to.tab === 'curves' ? `#/runs/${to.runId}` : `#/runs/${to.runId}/${to.tab}`;
}
