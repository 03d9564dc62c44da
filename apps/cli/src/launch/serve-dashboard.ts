import { randomBytes } from 'node:crypto';
import { LocalRunDirectory } from '../local-runs/local-run-directory.js';
import { type ServedApi, serveApi } from './serve-api.js';

export interface ServedDashboard extends ServedApi {
  /** Opens the page for whoever has it. */
  readonly link: string;
}

/** Serves the page on the runs of a folder, to this machine alone. @throws UsageError when the port is taken */
export async function serveDashboard(runsFolder: string, port: number): Promise<ServedDashboard> {
  const token = randomBytes(32).toString('base64url');
  const directory = new LocalRunDirectory(runsFolder);
  const served = await serveApi({
    listen: { host: '127.0.0.1', port },
    otherwise: 'give another one with --port; 0 takes any that is free',
    hostNames: [],
    memoryLimit: 0,
    tokens: { full: null, read: token },
    directory,
    folders: directory.folders,
    metrics: null,
    queues: [],
  });
  return { ...served, link: `${served.address}/#token=${token}` };
}
