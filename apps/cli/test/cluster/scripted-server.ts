import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { elboVersion } from '@elbo/protocol/version';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

export interface ScriptedServer {
  readonly url: string;
  /** Paths asked for, with their query, in order. */
  readonly asked: IncomingMessage[];
  close(): Promise<void>;
}

/** Answers as no coordinator does: what the client must stand is not to be had from a real one. */
export async function startScriptedServer(answers: Readonly<Record<string, Answer>>): Promise<ScriptedServer> {
  const asked: IncomingMessage[] = [];
  const session = json({ access: 'full', version: elboVersion });
  const server = createServer((request, response) => {
    asked.push(request);
    const path = request.url?.split('?')[0]?.replace('/api/v1/', '') ?? '';
    const answer = answers[path] ?? (path === 'session' ? session : problem(404, 'not-found', `there is no ${path}`));
    answer(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export function json(body: unknown, status = 200): Answer {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
}

export function problem(status: number, code: string, message: string): Answer {
  return json({ code, message }, status);
}

export function text(body: string, status = 200): Answer {
  return (_request, response) => {
    response.writeHead(status).end(body);
  };
}
