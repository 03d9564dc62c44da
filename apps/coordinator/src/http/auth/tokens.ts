import { createHash, timingSafeEqual } from 'node:crypto';
import type { Access } from '@elbo/protocol/cluster';
import { tokenPattern, tokenWords } from '@elbo/protocol/token';

export interface AccessTokens {
  /** Null where nothing may be changed. */
  readonly full: string | null;
  readonly read: string | null;
}

/** What a token gives access to, found in a time that tells nothing about the tokens. */
export class TokenCheck {
  readonly #known: readonly { readonly digest: Buffer; readonly access: Access }[];

  /** @throws Error when there is no token, one is no `tokenPattern`, or both are one */
  constructor({ full, read }: AccessTokens) {
    const given = [
      { token: full, access: 'full' as const },
      { token: read, access: 'read' as const },
    ].flatMap(({ token, access }) => (token === null ? [] : [{ token, access }]));
    if (given.length === 0) throw new Error('the API needs a token');
    const bad = given.find(({ token }) => !tokenPattern.test(token));
    if (bad) throw new Error(`the token for ${bad.access} access needs ${tokenWords}`);
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
