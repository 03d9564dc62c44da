import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { folder, wholeNumber } from './parsers.js';
import { stopOnSignals } from './stop-signals.js';

interface DashboardFlags {
  readonly runs: string;
  readonly port: number;
}

const help = `
The page is for this machine alone, and changes nothing; the link that is printed lets its browser in. It follows runs
that are being trained, and shows those that are over. A coordinator has a page of its own (\`elbo coordinator --api\`).

Examples:
  $ elbo dashboard
  $ elbo dashboard --runs /data/runs --port 0`;

export function dashboardCommand(): Command {
  return new Command('dashboard')
    .summary('look at the runs of this machine in a browser')
    .description('Serves a page on the runs of a folder: curves, pictures, the latent plane. Needs no Redis.')
    .option('--runs <folder>', 'where the folders of runs are', folder, 'runs')
    .option('--port <n>', 'on 127.0.0.1; 0 for any that is free', wholeNumber(0, 65_535), 7351)
    .addHelpText('after', help)
    .action(serve);
}

async function serve({ runs, port }: DashboardFlags): Promise<void> {
  const stop = stopOnSignals();
  try {
    const { serveDashboard } = await import('../launch/serve-dashboard.js');
    const dashboard = await serveDashboard(runs, port);
    process.stdout.write(`${dashboard.link}\n`);
    if (!existsSync(runs)) process.stderr.write(`there is no folder ${runs} yet; \`elbo train mnist\` makes it\n`);
    if (!stop.signal.aborted) await once(stop.signal, 'abort');
    await dashboard.close();
  } finally {
    stop.release();
  }
}
