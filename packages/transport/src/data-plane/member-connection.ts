import { type IncomingMessage, request } from 'node:http';
import type { Duplex } from 'node:stream';
import { ConductorUnreachableError, RunClosedError } from '../errors.js';
import { messageOf } from '../message-of.js';
import { authorizationOf, isProof, newNonce, proofOf } from './token-proof.js';

const connectDeadlineMs = 5000;

export interface MemberConnectionOptions {
  /** http://host:port */
  readonly conductor: string;
  readonly runId: string;
  readonly lease: number;
  readonly token: string;
}

export interface MemberConnection {
  readonly stream: Duplex;
  readonly head: Buffer;
  /** What the worker's hello has to carry. */
  readonly proof: string;
}

/**
 * Opens a membership connection: an HTTP upgrade that turns into a stream of frames, once the conductor has proved
 * that it has the token.
 * @throws RunClosedError, ConductorUnreachableError
 */
export function connectMember(options: MemberConnectionOptions): Promise<MemberConnection> {
  const { conductor, runId, lease, token } = options;
  const path = `/v1/runs/${runId}/member`;
  const nonce = newNonce();
  const exchange = { path, address: conductor, nonces: [nonce] };
  return new Promise((resolve, reject) => {
    if (!isOrigin(conductor)) {
      reject(new ConductorUnreachableError(conductor, 'that is no address of the kind http://host:port'));
      return;
    }
    const outgoing = request(new URL(path, conductor), {
      headers: {
        authorization: authorizationOf(token, exchange),
        connection: 'Upgrade',
        upgrade: 'elbo-member',
        'elbo-lease': String(lease),
      },
      agent: false,
    });
    const deadline = setTimeout(() => outgoing.destroy(new Error('no answer in time')), connectDeadlineMs);
    outgoing.on('upgrade', (response: IncomingMessage, stream: Duplex, head: Buffer) => {
      clearTimeout(deadline);
      const [answered = '', proof = ''] = String(response.headers['elbo-proof']).split('.');
      const both = { ...exchange, nonces: [nonce, answered] };
      if (isProof(proof, token, 'conductor', both)) {
        resolve({ stream, head, proof: proofOf(token, 'member', both) });
        return;
      }
      stream.destroy();
      reject(new ConductorUnreachableError(conductor, 'what answers there does not prove that it has the token'));
    });
    outgoing.on('response', (response: IncomingMessage) => {
      clearTimeout(deadline);
      response.destroy();
      const status = response.statusCode ?? 0;
      if (status === 404) reject(new RunClosedError(runId, lease, 'nobody conducts it there'));
      else if (status === 409) reject(new RunClosedError(runId, lease, 'another lease conducts it'));
      else reject(new ConductorUnreachableError(conductor, refusalText(status)));
    });
    outgoing.on('error', (error) => {
      clearTimeout(deadline);
      reject(new ConductorUnreachableError(conductor, messageOf(error), { cause: error }));
    });
    outgoing.end();
  });
}

/** http://host:port and nothing else: no user, no path, no other protocol. */
function isOrigin(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url?.protocol === 'http:' && url.origin === text;
}

function refusalText(status: number): string {
  return status === 401 ? 'it refused the token (401)' : `it answered ${status}`;
}
