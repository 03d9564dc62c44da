import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/*
 * Both sides of the data plane prove that they have the cluster's token, and neither ever sends it: an address comes to
 * a worker in a job, and whoever could write that job must not be told the secret. Each proof is an HMAC-SHA256 under
 * the token over its role, the path, the address that the worker believes it talks to, and nonces: what one listener is
 * shown is of no use at another address, on another path, or another time.
 *
 *   worker    GET path   authorization: Elbo <c>.<proof of request>     c: the worker's nonce
 *   conductor 101        elbo-proof: <s>.<proof of conductor>           s: the conductor's; only for a membership
 *   worker    hello      <proof of member>                              over c and s: fresh, so it cannot be replayed
 */

export interface Exchange {
  readonly path: string;
  /** http://host:port, as the conductor advertises it and the worker was told. */
  readonly address: string;
  /** The worker's nonce; for a membership the conductor's follows. */
  readonly nonces: readonly string[];
}

type Role = 'request' | 'conductor' | 'member';

/** Hexadecimal. */
export function proofOf(token: string, role: Role, { path, address, nonces }: Exchange): string {
  return createHmac('sha256', token)
    .update(['elbo-proof-1', role, path, address, ...nonces].join('\n'))
    .digest('hex');
}

/** Whether the proof is that of the role, in a time that tells nothing about it. */
export function isProof(proof: string, token: string, role: Role, exchange: Exchange): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(proof), digest(proofOf(token, role, exchange)));
}

export function newNonce(): string {
  return randomBytes(16).toString('hex');
}

/** The Authorization header of a request. */
export function authorizationOf(token: string, exchange: Exchange): string {
  return `Elbo ${exchange.nonces[0]}.${proofOf(token, 'request', exchange)}`;
}

/** The worker's nonce of a request that proves itself; null for any other. */
export function authorizedNonce(
  { authorization }: IncomingHttpHeaders,
  token: string,
  request: { readonly path: string; readonly address: string },
): string | null {
  const [, nonce, proof] = /^Elbo ([0-9a-f]{32})\.([0-9a-f]{64})$/.exec(authorization ?? '') ?? [];
  if (nonce === undefined || proof === undefined) return null;
  return isProof(proof, token, 'request', { ...request, nonces: [nonce] }) ? nonce : null;
}
