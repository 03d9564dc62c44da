import { session } from './api/session.js';
import { Loading } from './components/states.js';
import { Login } from './login.js';
import { route } from './router.js';
import { RunView } from './run/run-view.js';
import { RunsView } from './runs/runs-view.js';
import { Shell } from './shell.js';
import { SubmitView } from './submit/submit-view.js';
import { WorkersView } from './workers/workers-view.js';

export function App() {
  const { state } = session.value;
  if (state === 'asking') return <Loading what="the session" />;
  if (state === 'out') return <Login />;
  return (
    <Shell>
      <View />
    </Shell>
  );
}

function View() {
  const to = route.value;
  if (to.view === 'runs') return <RunsView />;
  if (to.view === 'workers') return <WorkersView />;
  if (to.view === 'new') return <SubmitView key={to.from ?? ''} from={to.from} />;
  if (to.view === 'run') return <RunView key={to.runId} runId={to.runId} tab={to.tab} />;
  return (
    <section class="empty">
      <h1 tabIndex={-1}>There is nothing here</h1>
      <p>
        The address names no page. <a href="#/">All runs</a>
      </p>
    </section>
  );
}
