import { useEffect, useRef } from 'preact/hooks';
import { linkTo, type RunTab, runTabs } from '../routes.js';

const titles: Readonly<Record<RunTab, string>> = {
  curves: 'Curves',
  pictures: 'Pictures',
  latent: 'Latent plane',
  events: 'Events',
  spec: 'Spec',
  files: 'Files',
};

export function RunTabs({ runId, tab }: { readonly runId: string; readonly tab: RunTab }) {
  const nav = useRef<HTMLElement>(null);
  // On a narrow screen not all of them are in sight. The page itself stays where it is.
  useEffect(() => {
    const row = nav.current;
    const here = row?.querySelector('[aria-current]')?.getBoundingClientRect();
    if (!row || !here) return;
    const { left, right } = row.getBoundingClientRect();
    row.scrollLeft += (here.left + here.right - left - right) / 2;
  }, [runId, tab]);
  return (
    <nav class="tabs" aria-label="Of this run" ref={nav}>
      {runTabs.map((name) => (
        <a key={name} href={linkTo({ view: 'run', runId, tab: name })} aria-current={name === tab ? 'page' : undefined}>
          {titles[name]}
        </a>
      ))}
    </nav>
  );
}
