import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { composeFile } from './compose-cluster.js';
import { run, works } from './run-command.js';

interface Service {
  readonly image: string;
  readonly ports?: readonly string[];
  readonly profiles?: readonly string[];
  readonly [setting: string]: unknown;
}

const infra = join(import.meta.dirname, '../../infra');
const text = readFileSync(composeFile, 'utf8');
const { services, ...rest } = parse(text, { merge: true }) as { services: Record<string, Service> };
const byName = Object.entries(services);
const compose = await works('docker', ['compose', 'version']);
if (!compose) console.warn('what `docker compose` says of the file is not checked: Compose v2 is not installed');

describe('infra/compose.yaml', () => {
  it.each(byName)(
    'gives %s a file system that it cannot write, no capabilities, an init and a log that ends',
    (_, service) => {
      expect(service).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        init: true,
        restart: 'unless-stopped',
        logging: { options: { 'max-size': expect.any(String) } },
        healthcheck: { test: expect.any(Array) },
      });
    },
  );

  it.each(byName)('names the version of the image of %s', (_, { image }) => {
    expect(image).toMatch(/:(?!latest$)[^:]+$/);
  });

  it.each(byName)('publishes ports of %s on this machine only', (_, { ports = [] }) => {
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it('starts Redis, coordinator and workers when nothing else is asked for', () => {
    const started = byName.filter(([, { profiles }]) => profiles === undefined).map(([name]) => name);
    expect(started.sort()).toEqual(['coordinator', 'redis', 'worker']);
  });

  it('has nothing that Compose 1.29 does not know', () => {
    // The lists of what 1.29 refuses, as far as somebody would want it here.
    expect(
      Object.keys(rest)
        .filter((key) => !key.startsWith('x-'))
        .sort(),
    ).toEqual(['networks', 'volumes']);
    expect(text).not.toMatch(/\b(start_interval|develop|include|required):/);
    expect(text).not.toMatch(/\$\{[^}]*\$\{/); // one variable inside another
  });

  it('reads no variable that .env.example does not name, and that names no other', () => {
    const read = new Set([...text.matchAll(/(?<!\$)\$\{([A-Z_]+)/g)].map((match) => match[1] as string));
    const example = readFileSync(join(infra, '.env.example'), 'utf8');
    const named = [...example.matchAll(/^(?:# )?([A-Z_]+)=/gm)].map((match) => match[1] as string);
    read.add('COMPOSE_PROJECT_NAME').delete('ELBO_VERSION');
    expect(named.sort()).toEqual([...read].sort());
  });

  it.skipIf(!compose).each(['ELBO_TOKEN', 'REDIS_PASSWORD'])(
    'does not start without %s, and says where to set it',
    async (missing) => {
      const { exitCode, stderr } = await config({ ELBO_TOKEN: 'token', REDIS_PASSWORD: 'password', [missing]: '' });
      expect(exitCode).not.toBe(0);
      expect(stderr).toContain(missing);
      expect(stderr).toContain('copy infra/.env.example to infra/.env and set it there');
    },
  );

  it.skipIf(!compose)('is what Compose expects', async () => {
    const { exitCode, stderr } = await config({ ELBO_TOKEN: 'token', REDIS_PASSWORD: 'password' });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });
});

function config(env: NodeJS.ProcessEnv) {
  const args = [
    'compose',
    '--env-file',
    '/dev/null',
    '--file',
    composeFile,
    '--profile',
    'monitoring',
    'config',
    '--quiet',
  ];
  return run('docker', args, { seconds: 30, env });
}
