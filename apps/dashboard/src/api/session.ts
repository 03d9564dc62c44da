import { type Session as SessionFacts, sessionSchema } from '@elbo/protocol/api';
import { computed, signal } from '@preact/signals';
import { ApiError, getJson, postJson, reasonOf, request, whenSignedOut } from './client.js';

export type Session =
  | { readonly state: 'asking' }
  | { readonly state: 'out'; readonly reason: string | null }
  | ({ readonly state: 'in' } & SessionFacts);

/** A coordinator that does not say so soon who is signed in is not there. */
const answerMs = 5000;

export const session = signal<Session>({ state: 'asking' });
/** Whether this person may change anything. */
export const mayChange = computed(() => session.value.state === 'in' && session.value.access === 'full');
/** Whether there are workers and queues, and not only folders of runs. */
export const ofCluster = computed(() => session.value.state === 'in' && session.value.cluster);

whenSignedOut(() => {
  if (session.value.state === 'in') session.value = { state: 'out', reason: 'The session has ended. Sign in again.' };
});

/** Signs in with the token of the address (`#token=...`), which is then taken out of it, or with the session that is. */
export async function openSession(): Promise<void> {
  // A link with a token may be opened in a page that is already here.
  addEventListener('hashchange', () => {
    const token = takeToken();
    if (token !== null) void signIn(token);
  });
  const token = takeToken();
  if (token !== null) return signIn(token);
  try {
    session.value = { state: 'in', ...(await getJson(sessionSchema, 'session')) };
  } catch (error) {
    const nobody = error instanceof ApiError && error.status === 401;
    session.value = { state: 'out', reason: nobody ? null : reasonOf(error) };
  }
}

function takeToken(): string | null {
  const token = /^#token=(.+)$/.exec(location.hash)?.[1];
  if (token === undefined) return null;
  location.replace('#/');
  try {
    return decodeURIComponent(token);
  } catch {
    return token; // written into the address as it is, with a percent sign
  }
}

export async function signIn(token: string): Promise<void> {
  try {
    session.value = { state: 'in', ...(await postJson(sessionSchema, 'session', { token })) };
  } catch (error) {
    session.value = { state: 'out', reason: reasonOf(error) };
  }
}

export async function signOut(): Promise<void> {
  const reason = await request('DELETE', 'session').then(
    () => null,
    (error: unknown) => `This browser may still be signed in; reload the page to try again. ${reasonOf(error)}`,
  );
  session.value = { state: 'out', reason };
}

/** @throws ApiError when the coordinator cannot be reached or the session is over */
export async function checkSession(): Promise<void> {
  await getJson(sessionSchema, 'session', AbortSignal.timeout(answerMs)).catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 401) {
      session.value = { state: 'out', reason: 'The session has ended. Sign in again.' };
    }
    throw error;
  });
}
