import { createHash, timingSafeEqual } from 'node:crypto';
import type { Access } from '@elbo/protocol/cluster';

/** Shorter ones could be guessed. */
export const shortestToken = 16;

export interface AccessTokens {
  /** Null where nothing may be changed. */
  readonly full: string | null;
  readonly read: string | null;
}

/** What a token gives access to, found in a time that tells nothing about the tokens. */
export class TokenCheck {
  readonly #known: readonly { readonly digest: Buffer; readonly access: Access }[];

  /** @throws Error when a token is too short, there is none, or both are one */
  constructor({ full, read }: AccessTokens) {
    const given = [
      { token: full, access: 'full' as const },
      { token: read, access: 'read' as const },
    ].flatMap(({ token, access }) => (token === null ? [] : [{ token, access }]));
    if (given.length === 0) throw new Error('the API needs a token');
    const short = given.find(({ token }) => token.length < shortestToken);
    if (short) throw new Error(`the token for ${short.access} access needs at least ${shortestToken} characters`);
    if (full === read) throw new Error('the token for reading must be another one than that for full access');
    this.#known = given.map(({ token, access }) => ({ digest: digest(token), access }));
  }

  accessOf(token: string): Access | null {
    const shown = digest(token);
    let access: Access | null = null;
    for (const known of this.#known) if (timingSafeEqual(shown, known.digest)) access = known.access;
    return access;
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
