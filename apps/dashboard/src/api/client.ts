import { problemSchema } from '@elbo/protocol/cluster';
import { z } from 'zod';
import { readClock } from './clock.js';

// The content security policy allows no code made of strings, which zod would try for speed.
z.config({ jitless: true });

/** Relative: the page works below any path of a proxy. */
export const api = 'api/v1';

const patienceMs = 20_000;

/** What the server answered instead of what was asked for. */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    /** HTTP status; 0 when no answer came. */
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

let onSignedOut: () => void = () => {};
/** What is done when the server says that nobody is signed in any more. */
export function whenSignedOut(then: () => void): void {
  onSignedOut = then;
}

/** @throws ApiError */
export async function getJson<T>(schema: z.ZodType<T>, path: string, signal?: AbortSignal): Promise<T> {
  return read(schema, await request('GET', path, undefined, signal));
}

/** @throws ApiError */
export async function postJson<T>(schema: z.ZodType<T>, path: string, body?: unknown): Promise<T> {
  return read(schema, await request('POST', path, body));
}

/** @throws ApiError */
export async function getPicture(path: string, signal: AbortSignal): Promise<ImageBitmap> {
  const response = await request('GET', path, undefined, signal);
  return createImageBitmap(await response.blob());
}

/** @throws ApiError */
export async function request(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<Response> {
  const patience = AbortSignal.timeout(patienceMs);
  const response = await fetch(`${api}/${path}`, {
    method,
    signal: signal ? AbortSignal.any([signal, patience]) : patience,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw new ApiError(0, 'no-answer', 'The server does not answer. Is it running, and is the network up?');
  });
  readClock(response.headers.get('date'));
  if (response.ok) return response;
  const problem = problemSchema.safeParse(await response.json().catch(() => null));
  if (response.status === 401 && path !== 'session') onSignedOut();
  if (problem.success) throw new ApiError(response.status, problem.data.code, problem.data.message);
  throw new ApiError(response.status, 'unreadable', `The server answered ${response.status} without a reason.`);
}

async function read<T>(schema: z.ZodType<T>, response: Response): Promise<T> {
  const result = schema.safeParse(await response.json().catch(() => null));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new ApiError(
    response.status,
    'unreadable',
    `The server's answer is not what this page knows (${issue?.path.join('.') ?? ''}: ${issue?.message}). Reload the page; it may be of another version.`,
  );
}

/** What went wrong, as a sentence. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.charAt(0).toUpperCase() + text.slice(1);
}
