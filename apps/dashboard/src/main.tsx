import 'uplot/dist/uPlot.min.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/controls.css';
import './styles/states.css';
import './styles/runs.css';
import './styles/run.css';
import './styles/events.css';
import './styles/charts.css';
import './styles/pictures.css';
import './styles/latent.css';
import './styles/submit.css';
import { render } from 'preact';
import { openSession } from './api/session.js';
import { App } from './app.js';

render(<App />, document.getElementById('app') as HTMLElement);
void openSession();
