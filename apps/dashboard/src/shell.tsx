import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { connection } from './api/live-stream.js';
import { mayChange, ofCluster, session, signOut } from './api/session.js';
import { Mark } from './components/icons.js';
import { ThemeButton } from './components/theme-button.js';
import { route } from './router.js';
import { linkTo, type Route } from './routes.js';

/** What is around every view: the navigation, and word of a lost connection. */
export function Shell({ children }: { readonly children: ComponentChildren }) {
  const main = useRef<HTMLElement>(null);
  useFocusOnArrival(main);
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <header class="top">
        <a class="brand" href="#/">
          <Mark />
          <span>Elbo</span>
        </a>
        <nav aria-label="Main">
          <NavLink to={{ view: 'runs' }}>Runs</NavLink>
          {ofCluster.value && (
            <>
              <NavLink to={{ view: 'workers' }}>Workers</NavLink>
              <a href="queues">Queues</a>
            </>
          )}
        </nav>
        <div class="top-end">
          {!mayChange.value && <span class="chip">read only</span>}
          <ThemeButton />
          <button type="button" class="quiet" onClick={() => void signOut()}>
            Sign out
          </button>
        </div>
      </header>
      <Banner />
      <main id="main" ref={main} tabIndex={-1}>
        {children}
      </main>
      <footer class="bottom muted">Elbo {session.value.state === 'in' ? session.value.version : ''}</footer>
    </>
  );
}

function NavLink({ to, children }: { readonly to: Exclude<Route, { view: 'unknown' }>; readonly children: string }) {
  const here = route.value.view === to.view || (to.view === 'runs' && ['run', 'new'].includes(route.value.view));
  return (
    <a href={linkTo(to)} aria-current={here ? 'page' : undefined}>
      {children}
    </a>
  );
}

function Banner() {
  const lost = connection.value === 'lost';
  return (
    <div role="status" class={lost ? 'banner' : undefined}>
      {lost && 'Connection lost, retrying. What you see is as it was.'}
    </div>
  );
}

/** A new view has the focus on its heading, as a new page would, and its name in the tab. */
function useFocusOnArrival(main: { readonly current: HTMLElement | null }): void {
  const to = route.value;
  const place = to.view === 'run' ? to.runId : to.view;
  const arrived = useRef<string | null>(null);
  // Before the effects of the view itself: it has a better name for the tab once it knows its run.
  useLayoutEffect(() => {
    const names = { runs: 'Runs', workers: 'Workers', new: 'New run', unknown: 'Not found', run: place };
    document.title = `${names[to.view]} · Elbo`;
  }, [place]);
  useEffect(() => {
    const first = arrived.current === null;
    if (arrived.current === place) return;
    arrived.current = place;
    if (!first) main.current?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [place]);
}
