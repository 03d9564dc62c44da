import type { Access } from '@elbo/protocol/cluster';
import rateLimit from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';
import type { Api } from '../api.js';
import { Refusal } from '../problem.js';
import { hostCheck, isSameOrigin } from './request-origin.js';
import { Sessions, sessionSeconds } from './sessions.js';
import { type AccessTokens, TokenCheck } from './tokens.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a request needs; when left out, `read` to GET and `full` for the rest. */
    readonly access?: Access | 'none';
    /** It says nothing of the cluster, and may be asked for by any name: probes know only an address. */
    readonly anyHost?: boolean;
    /** It stays open and tells what happens. */
    readonly stream?: boolean;
  }
  interface FastifyRequest {
    /** What the request may do; null while nobody is known to ask. */
    access: Access | null;
  }
}

/** A page asks for a hundred things when it opens, and fifty pages may stand behind one address. */
const requestsPerMinute = 12_000;
const failedLoginsPerMinute = 10;

export interface GuardOptions {
  readonly tokens: AccessTokens;
  readonly listenHost: string;
  readonly hostNames: readonly string[];
}

export interface Guard {
  /** Opens a session for a token. @throws Refusal */
  login(request: FastifyRequest, token: string): Promise<{ access: Access; cookie: string }>;
  logout(request: FastifyRequest): void;
  readonly cookie: { name(request: FastifyRequest): string; readonly maxAge: number };
  /** Whether the request that opened a stream would still be let in. */
  stillAllowed(request: FastifyRequest): boolean;
}

/** Lets no request through to a route whose Host, rate, credentials, access or origin is not in order. */
export async function guardApi(api: Api, { tokens, listenHost, hostNames }: GuardOptions): Promise<Guard> {
  const check = new TokenCheck(tokens);
  const sessions = new Sessions();
  const isOwnHost = hostCheck(listenHost, hostNames);
  await api.register(rateLimit, { global: false });
  const perMinute = (max: number): ReturnType<Api['createRateLimit']> => {
    const limit = api.createRateLimit({ max, timeWindow: 60_000 });
    return async (request, options) => {
      if (request.socket.remoteAddress === undefined)
        throw new Refusal(400, 'gone', 'who asked went away, and has no address any more');
      return limit(request, options);
    };
  };
  const perAddress = perMinute(requestsPerMinute);
  const failedLogins = perMinute(failedLoginsPerMinute);
  api.decorateRequest('access', null);

  const sessionOf = (request: FastifyRequest) => request.cookies[cookieName(request)];
  const accessOf = (request: FastifyRequest) => {
    const { authorization } = request.headers;
    if (authorization !== undefined) {
      const [, token] = /^Bearer (\S{1,512})$/i.exec(authorization) ?? [];
      return token === undefined ? null : check.accessOf(token);
    }
    const session = sessionOf(request);
    return session === undefined ? null : sessions.accessOf(session);
  };

  api.addHook('onRequest', async (request, reply) => {
    // Of the cluster as it is now: no cache on the way may keep it.
    if (request.url.startsWith('/api/')) reply.header('cache-control', 'no-store');
    const { headers, method } = request;
    const { config } = request.routeOptions;
    if (!config.anyHost && !isOwnHost(headers.host)) {
      const message =
        'the API does not know itself by this name; start the coordinator with --api-host <name> if it should';
      throw new Refusal(421, 'unknown-host', message);
    }
    const rate = await perAddress(request);
    if (!rate.isAllowed && rate.isExceeded) throw tooMany('requests', rate.ttlInSeconds);
    const changes = method !== 'GET' && method !== 'HEAD';
    const fromPage = headers.authorization === undefined && sessionOf(request) !== undefined;
    if ((changes && !isSameOrigin(headers, fromPage)) || (config.stream && !isSameOrigin(headers, false))) {
      throw new Refusal(403, 'other-origin', 'a page of another origin may not do this');
    }
    request.access = accessOf(request);
    const needed = request.is404 ? 'none' : (config.access ?? (changes ? 'full' : 'read'));
    if (needed === 'none') return;
    if (request.access === null) throw new Refusal(401, 'unauthorized', unauthorized(request));
    if (needed === 'full' && request.access !== 'full') {
      throw new Refusal(403, 'read-only', 'this token may look at everything and change nothing');
    }
  });

  return {
    async login(request, token) {
      const before = await failedLogins(request, { increment: false });
      if (!before.isAllowed && before.remaining === 0) throw tooMany('wrong tokens', before.ttlInSeconds);
      const access = check.accessOf(token);
      if (access !== null) return { access, cookie: sessions.open(access) };
      await failedLogins(request);
      throw new Refusal(401, 'unauthorized', 'this is not a token of this cluster');
    },
    logout(request) {
      const session = sessionOf(request);
      if (session !== undefined) sessions.close(session);
    },
    cookie: { name: cookieName, maxAge: sessionSeconds },
    stillAllowed: (request) => accessOf(request) !== null,
  };
}

/** Cookies do not know ports: two coordinators on one host have a name each. */
function cookieName(request: FastifyRequest): string {
  return `elbo-session-${request.socket.localPort}`;
}

function unauthorized({ headers }: FastifyRequest): string {
  return headers.authorization === undefined
    ? 'show a token: Authorization: Bearer <token>, or log in on the page'
    : 'this is not a token of this cluster';
}

function tooMany(what: string, seconds: number): Refusal {
  return new Refusal(429, 'too-many-requests', `too many ${what} from this address; wait ${seconds} s`, seconds);
}
