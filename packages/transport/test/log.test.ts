import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

const logModule = new URL('../dist/log.js', import.meta.url).href;

/** What a process writes to standard error and output when it runs this with `log` in hand. */
function run(
  code: string,
  env: Record<string, string> = {},
): { lines: Record<string, unknown>[]; raw: string; code: number | null } {
  const script = `import { defaultLogger, keepSecret, shardFields } from ${JSON.stringify(logModule)};\n${code}`;
  const { stderr, stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    env: { ...process.env, ELBO_LOG_LEVEL: 'info', ...env },
  });
  expect(stdout).toBe('');
  const lines =
    status === 0
      ? stderr
          .trimEnd()
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line))
      : [];
  return { lines, raw: stderr, code: status };
}

const secret = 'a-"secret" of 32 characters, long';
const password = 'p4ssw0rd-of-the-cluster';

describe('the logs', () => {
  it('are JSON lines on standard error with the fields that all share', () => {
    const { lines } = run(`
      const log = defaultLogger('worker').child({ workerId: 'w-1' });
      const at = { runId: 'mnist-1', lease: 3, conductor: 'http://a:1', parameterVersion: 7, shard: 2, attempt: 1 };
      log.warn(shardFields({ kind: 'gradient', step: 7, ...at }), 'one');
      log.info(shardFields({ kind: 'evaluation', epoch: 2, split: 'test', ...at }), 'two');
      log.debug('three');
    `);
    expect(lines).toMatchObject([
      { name: 'worker', workerId: 'w-1', runId: 'mnist-1', step: 7, shard: 2, attempt: 1, level: 40, msg: 'one' },
      { workerId: 'w-1', runId: 'mnist-1', epoch: 2, split: 'test', shard: 2, msg: 'two' },
    ]);
    expect(lines.length).toBe(2);
  });

  it('tell of a failure without an error, too', () => {
    const { lines } = run(`defaultLogger('transport').warn({ err: null }, 'the connection to Redis was lost');`);
    expect(lines).toMatchObject([{ err: null, msg: 'the connection to Redis was lost' }]);
  });

  it('never hold a secret, wherever it stands: in a field, in an error, in an address', () => {
    const { raw, lines } = run(
      `
      const log = defaultLogger('transport');
      keepSecret('told-by-a-flag-000');
      log.warn({ token: 'tok', request: { headers: { authorization: 'Bearer abc' } }, nested: { password: 'pwd' } }, 'fields');
      log.warn({ err: new Error('no answer at redis://default:other@redis:6379/0 and rediss://:x@h:1') }, 'address');
      log.warn({ said: process.env.ELBO_TOKEN, other: 'told-by-a-flag-000' }, 'with ' + process.env.ELBO_TOKEN);
      log.warn('password ${password}');
    `,
      { ELBO_TOKEN: secret, REDIS_URL: `redis://default:${encodeURIComponent(password)}@localhost:6379` },
    );
    expect(lines.length).toBe(4);
    for (const hidden of ['tok"', 'Bearer', 'pwd', 'other@', ':x@', 'a-\\"secret', 'told-by-a-flag', password]) {
      expect(raw, hidden).not.toContain(hidden);
    }
    expect(lines[1]).toMatchObject({ err: { message: 'no answer at redis://***@redis:6379/0 and rediss://***@h:1' } });
    expect(lines[2]).toMatchObject({ said: '***', other: '***', msg: 'with ***' });
  });

  it('hold no part of a password with an @ in it, and are written though one has a % in it', () => {
    const said = "log.warn({ err: new Error('no answer at ' + process.env.REDIS_URL) });";
    const { raw } = run(`const log = defaultLogger('x'); ${said}`, { REDIS_URL: 'redis://:pass@word-of-many@redis:1' });
    expect(raw).not.toMatch(/pass|word-of-many/);
    const { lines } = run(`const log = defaultLogger('x'); ${said}`, { REDIS_URL: 'redis://:100%safe@redis:1' });
    expect(lines).toMatchObject([{ err: { message: 'no answer at redis://***@redis:1' } }]);
  });

  it('do not say the message of a cause twice', () => {
    const { lines } = run(`
      const log = defaultLogger('x');
      const cause = new Error('connect ECONNREFUSED 127.0.0.1:1');
      log.warn({ err: new Error('nobody is at 127.0.0.1:1: ' + cause.message + '; start one', { cause }) }, 'said');
      log.warn({ err: new Error('nobody is there', { cause }) }, 'not said');
    `);
    const messages = lines.map(({ err }) => (err as { message: string }).message);
    expect(messages).toEqual([
      'nobody is at 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1; start one',
      'nobody is there: connect ECONNREFUSED 127.0.0.1:1',
    ]);
  });

  it('have the level that is asked for, and refuse one that there is not', () => {
    const code = "const log = defaultLogger('x'); log.error('e'); log.debug('d');";
    expect(run(code, { ELBO_LOG_LEVEL: 'debug' }).lines.length).toBe(2);
    expect(run(code, { ELBO_LOG_LEVEL: 'silent' }).lines.length).toBe(0);
    const refused = run(code, { ELBO_LOG_LEVEL: 'loud' });
    expect(refused.code).not.toBe(0);
    expect(refused.raw).toContain("ELBO_LOG_LEVEL: 'loud' is no level; it is one of silent, fatal, error");
  });
});
