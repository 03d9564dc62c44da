import { createHash, timingSafeEqual } from 'node:crypto';

/** Whether an Authorization header carries the token, in a time that tells nothing about it. */
export function carriesToken(authorization: string | undefined, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(authorization ?? ''), digest(`Bearer ${token}`));
}
