import { createHash, randomBytes } from 'node:crypto';
import type { Access } from '@elbo/protocol/cluster';

export const sessionSeconds = 7 * 24 * 60 * 60;
const mostSessions = 1000;

/** The browsers that showed a token. Kept in memory: a coordinator that starts anew asks for the token again. */
export class Sessions {
  readonly #known = new Map<string, { readonly access: Access; readonly until: number }>();

  /** @param now milliseconds of a clock that does not jump */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** A new session's id, which is all that the browser gets. The oldest ends when there are too many. */
  open(access: Access): string {
    const id = randomBytes(32).toString('base64url');
    this.#known.set(keyOf(id), { access, until: this.now() + sessionSeconds * 1000 });
    const [oldest] = this.#known.keys();
    if (this.#known.size > mostSessions && oldest !== undefined) this.#known.delete(oldest);
    return id;
  }

  accessOf(id: string): Access | null {
    const key = keyOf(id);
    const session = this.#known.get(key);
    if (!session) return null;
    if (session.until > this.now()) return session.access;
    this.#known.delete(key);
    return null;
  }

  close(id: string): void {
    this.#known.delete(keyOf(id));
  }
}

/** Looked up by its hash: how long that takes tells nothing about an id. */
function keyOf(id: string): string {
  return createHash('sha256').update(id).digest('base64');
}
