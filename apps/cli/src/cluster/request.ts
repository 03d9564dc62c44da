import { type Problem, problemSchema } from '@elbo/protocol/cluster';
import { ClusterError } from '../errors.js';
import { printable } from '../progress/format.js';
import type { ClusterAddress } from './address.js';

export interface RequestOptions {
  readonly method?: 'GET' | 'POST';
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends the request, and `readBytes` of its answer. */
  readonly signal: AbortSignal;
  /** How long the answer may take to begin. */
  readonly answerWithinMs?: number;
}

export const answerWithinMs = 30_000;

/**
 * Asks the API for `/api/v1/<path>`, and resolves with an answer that is no error.
 * @throws ClusterError
 */
export async function request(
  { server, token }: ClusterAddress,
  path: string,
  options: RequestOptions,
): Promise<Response> {
  const { method = 'GET', body, headers, signal } = options;
  // Node's fetch may wait for ever when a connection closes as it opens, and nothing of it keeps the process alive.
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(new DOMException('no answer', 'TimeoutError')),
    options.answerWithinMs ?? answerWithinMs,
  );
  const init: RequestInit = {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    // Nobody else is to get the token.
    redirect: 'error',
    signal: AbortSignal.any([signal, late.signal]),
  };
  if (body !== undefined) init.body = JSON.stringify(body);
  const response = await fetch(`${server}/api/v1/${path}`, init)
    .catch((error: unknown) => {
      throw unreachable(server, error);
    })
    .finally(() => clearTimeout(timer));
  if (!response.ok) throw refusal(server, response.status, await problemOf(response));
  return response;
}

/** The whole body. @throws ClusterError when it is longer, or breaks off */
export async function readBytes(response: Response, server: string, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      if (bytes > maxBytes) break;
      chunks.push(chunk);
    }
  } catch (error) {
    throw unreachable(server, error);
  }
  if (bytes > maxBytes) throw notElbo(server, `the answer is longer than ${maxBytes} bytes`);
  return Buffer.concat(chunks);
}

/** No answer came, or it broke off. */
export function unreachable(server: string, error: unknown): ClusterError {
  if (error instanceof ClusterError) return error;
  const { name, message, cause } = error as Error;
  // `fetch` says only that it failed; why is in the cause, and for a name with several addresses in the causes of that.
  const causes = cause instanceof AggregateError ? cause.errors : [cause];
  const code = (causes[0] as NodeJS.ErrnoException | undefined)?.code;
  const why =
    name === 'TimeoutError' ? 'no answer in time' : (code ?? (causes[0] as Error | undefined)?.message ?? message);
  const mend =
    code === 'ECONNREFUSED'
      ? 'nothing listens there: start `elbo coordinator`, or say where one is with --server or ELBO_SERVER'
      : 'check --server (or ELBO_SERVER), the network, and whether the coordinator runs';
  return new ClusterError('unreachable', server, `the cluster at ${server} cannot be reached (${why}); ${mend}`, {
    cause: error,
  });
}

/** Whatever answered, it is not the API of this version of Elbo. */
export function notElbo(server: string, what: string): ClusterError {
  const mend =
    'is that the API of a coordinator (port 7351; 7350 is for workers), of the version that `elbo --version` says?';
  return new ClusterError(
    'bad-answer',
    server,
    `what answers at ${server} is not understood: ${printable(what)}; ${mend}`,
  );
}

function refusal(server: string, status: number, problem: Problem | null): ClusterError {
  const said = problem ? printable(problem.message) : `status ${status}`;
  switch (status) {
    case 401:
      return new ClusterError(
        'unauthorized',
        server,
        `the cluster at ${server} does not know the token (${said}); set ELBO_TOKEN to the one that its coordinator was started with`,
      );
    case 403:
      return new ClusterError(
        'forbidden',
        server,
        `the token may only look at the cluster at ${server} (${said}); set ELBO_TOKEN to the one with full access`,
      );
    case 404:
      return problem
        ? new ClusterError('not-found', server, said)
        : notElbo(server, 'it does not know the address (status 404)');
    default:
      return problem
        ? new ClusterError('refused', server, `the cluster refused (${printable(problem.code)}): ${said}`)
        : notElbo(server, said);
  }
}

const maxProblemBytes = 65_536;

async function problemOf(response: Response): Promise<Problem | null> {
  try {
    const bytes = await readBytes(response, '', maxProblemBytes);
    return problemSchema.parse(JSON.parse(Buffer.from(bytes).toString()));
  } catch {
    // The status alone says enough.
    return null;
  }
}
