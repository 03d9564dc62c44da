import { loginSchema, sessionSchema } from '@elbo/protocol/api';
import type { Access } from '@elbo/protocol/cluster';
import { elboVersion } from '@elbo/protocol/version';
import { z } from 'zod';
import { type Api, answers } from '../api.js';
import type { Guard } from '../auth/guard.js';

const path = '/api/v1/session';
const tags = ['session'];

export function sessionRoutes(api: Api, guard: Guard, cluster: boolean): void {
  api.post(
    path,
    {
      config: { access: 'none' },
      schema: {
        tags,
        summary: 'Log in',
        description: 'For browsers: exchanges a token for a cookie that scripts cannot read.',
        body: loginSchema,
        response: answers(sessionSchema),
      },
    },
    async (request, reply) => {
      const { access, cookie } = await guard.login(request, request.body.token);
      reply.setCookie(guard.cookie.name(request), cookie, {
        path: '/',
        httpOnly: true,
        sameSite: 'strict',
        secure: request.headers.origin?.startsWith('https:') ?? false,
        maxAge: guard.cookie.maxAge,
      });
      return { access, version: elboVersion, cluster };
    },
  );

  api.get(
    path,
    { schema: { tags, summary: 'Who asks, and what answers', response: answers(sessionSchema) } },
    // The guard lets nobody in without.
    async (request) => ({ access: request.access as Access, version: elboVersion, cluster }),
  );

  api.delete(
    path,
    { config: { access: 'none' }, schema: { tags, summary: 'Log out', response: answers(z.undefined(), 204) } },
    async (request, reply) => {
      guard.logout(request);
      return reply.clearCookie(guard.cookie.name(request), { path: '/' }).code(204).send();
    },
  );
}
