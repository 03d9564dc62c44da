import { type IncomingMessage, request } from 'node:http';
import type { Duplex } from 'node:stream';
import { ConductorUnreachableError, RunClosedError } from '../errors.js';

const connectDeadlineMs = 5000;

export interface MemberConnectionOptions {
  /** http://host:port */
  readonly conductor: string;
  readonly runId: string;
  readonly lease: number;
  readonly token: string;
}

/**
 * Opens a membership connection: an HTTP upgrade that turns into a stream of frames.
 * @throws RunClosedError, ConductorUnreachableError
 */
export function connectMember(options: MemberConnectionOptions): Promise<{ stream: Duplex; head: Buffer }> {
  const { conductor, runId, lease, token } = options;
  return new Promise((resolve, reject) => {
    let url: URL;
    try {
      url = new URL(`/v1/runs/${runId}/member`, conductor);
    } catch {
      reject(new ConductorUnreachableError(conductor, 'that is no address'));
      return;
    }
    const outgoing = request(url, {
      headers: {
        authorization: `Bearer ${token}`,
        connection: 'Upgrade',
        upgrade: 'elbo-member',
        'elbo-lease': String(lease),
      },
      agent: false,
    });
    const deadline = setTimeout(() => outgoing.destroy(new Error('no answer in time')), connectDeadlineMs);
    outgoing.on('upgrade', (_response: IncomingMessage, stream: Duplex, head: Buffer) => {
      clearTimeout(deadline);
      resolve({ stream, head });
    });
    outgoing.on('response', (response: IncomingMessage) => {
      clearTimeout(deadline);
      response.resume();
      const status = response.statusCode ?? 0;
      if (status === 404) reject(new RunClosedError(runId, lease, 'nobody conducts it there'));
      else if (status === 409) reject(new RunClosedError(runId, lease, 'another lease conducts it'));
      else reject(new ConductorUnreachableError(conductor, refusalText(status)));
    });
    outgoing.on('error', (error) => {
      clearTimeout(deadline);
      reject(new ConductorUnreachableError(conductor, error.message, { cause: error }));
    });
    outgoing.end();
  });
}

function refusalText(status: number): string {
  return status === 401 ? 'it refused the token (401)' : `it answered ${status}`;
}
