import { appendFile, cp, open, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ByteSource, checkpointFileHead, readCheckpointFile } from '@elbo/coordinator/checkpoint/file-format';
import type { RunEvent } from '@elbo/protocol/events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ElboProcess, type ElboResult, temporaryFolder } from '../support/elbo.js';
import { redisForTests, startTestRedis, type TestRedis } from '../support/redis.js';
import { recordedEvents, recordedLearning } from '../support/run-records.js';

/** 8 steps an epoch; a coordinator saves at the end of each, and when it is stopped. */
const flags = ['--epochs', '3', '--limit', '1500', '--batch-size', '192', '--shards', '3', '--seed', '5'];
const small = ['--hidden', '64', '--latent-dim', '8', '--threads', '1'];

describe('a run that was stopped', () => {
  let root: { readonly path: string; remove(): Promise<void> };
  let redis: TestRedis | undefined;
  let undisturbed: { readonly sha256: string; readonly learning: unknown[] };
  /** Interrupted in its second epoch; each test goes on with a copy. */
  let interrupted: string;

  beforeAll(async () => {
    root = await temporaryFolder();
    if (redisForTests) redis = await startTestRedis();
    const whole = join(root.path, 'whole');
    const { finished } = await new ElboProcess(['train', 'mnist', ...flags, ...small, '--out', whole]).result;
    undisturbed = { sha256: finished?.parametersSha256 ?? '', learning: await recordedLearning(whole) };
    interrupted = join(root.path, 'interrupted');
    const result = await stopAt('interrupted', 13, 'SIGINT');
    expect(result.exitCode).toBe(130);
    expect(result.finished).toMatchObject({ outcome: 'interrupted' });
  });
  afterAll(async () => {
    await redis?.stop();
    await root?.remove();
  });

  const stopAt = async (name: string, step: number, signal: NodeJS.Signals): Promise<ElboResult> => {
    const process = new ElboProcess(['train', 'mnist', ...flags, ...small, '--out', join(root.path, name)]);
    await process.event((event) => event.event === 'step' && event.step === step);
    process.child.kill(signal);
    return process.result;
  };
  const resume = (run: string, ...more: string[]) => new ElboProcess(['resume', run, ...more]).result;
  const copy = async (name: string): Promise<string> => {
    const path = join(root.path, name);
    await cp(interrupted, path, { recursive: true });
    return path;
  };
  const expectSameAsUndisturbed = async (run: string, { finished, stderr }: ElboResult) => {
    expect(finished, stderr).toMatchObject({ outcome: 'completed', parametersSha256: undisturbed.sha256 });
    expect(await recordedLearning(run)).toEqual(undisturbed.learning);
  };

  it('by Ctrl-C in the middle of an epoch ends as if it never was, and leaves no optimiser state', async () => {
    const run = await copy('embedded');
    const result = await resume(run, '--threads', '2');
    await expectSameAsUndisturbed(run, result);
    expect(notices(result, 'resumed')[0]).toMatch(/goes on after step 1[3-9], from .*checkpoint-0000000\d\d\.elbo/);
    expect((await readdir(run)).filter((name) => name.includes('checkpoint') || name.includes('.tmp'))).toEqual([]);
    const again = await resume(run);
    expect(again.exitCode).toBe(1);
    expect(again.stderr).toContain('is completed');
  });

  it('exactly, on machines of another CPU type, is not gone on with, and says why', async () => {
    const run = await copy('other-cpu');
    for (const name of (await readdir(run)).filter((name) => name.startsWith('checkpoint'))) {
      const path = join(run, name);
      const file = await open(path);
      const source: ByteSource = {
        size: (await file.stat()).size,
        read: async (target, position) => (await file.read(target, 0, target.length, position)).bytesRead,
      };
      const snapshot = await readCheckpointFile(source, path, Number.MAX_SAFE_INTEGER);
      await file.close();
      const meta = JSON.parse(snapshot.meta);
      expect(meta.build.cpu).toMatch(/^\w+ /);
      meta.build.cpu = 'another machine';
      const head = checkpointFileHead({ ...snapshot, meta: JSON.stringify(meta) });
      await writeFile(path, Buffer.concat([head, snapshot.tensors]));
    }
    const { exitCode, stderr } = await resume(run);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/CPU type is '.*', and that of what computed the run so far is 'another machine'/);
  });

  it.skipIf(!redisForTests)('embedded goes on through Redis on two worker processes', async () => {
    const run = await copy('redis');
    const result = await resume(run, '--redis', redis?.url ?? '', '--workers', '2', '--threads', '1');
    await expectSameAsUndisturbed(run, result);
  });

  it('by SIGKILL, at any step, goes on from the last checkpoint', async () => {
    // Spread over the run: before the first checkpoint, at an epoch's end, in the last epoch.
    const killThenResume = async (step: number) => {
      const run = join(root.path, `killed-at-${step}`);
      expect((await stopAt(`killed-at-${step}`, step, 'SIGKILL')).exitCode).toBeNull();
      await expectSameAsUndisturbed(run, await resume(run, '--threads', '1'));
    };
    await Promise.all([3, 8, 20].map(killThenResume));
  });

  it('and whose newest checkpoint and records are torn says so, and goes on from the one before it', async () => {
    const run = await copy('torn');
    const [newest, before] = await checkpointsOf(run);
    await truncate(newest, 100_000);
    await appendFile(join(run, 'metrics.ndjson'), '{"event":"step","runId":"mn');
    const result = await resume(run);
    await expectSameAsUndisturbed(run, result);
    expect(notices(result, 'checkpoint-refused')[0]).toContain(`${newest} cannot be gone on from: it is cut off`);
    expect(notices(result, 'resumed')[0]).toBe(`goes on after step 8, from ${before}`);
    expect((await recordedEvents(run)).filter((event) => event.event === 'run-started')).toHaveLength(2);
  });

  it('and whose checkpoints are all changed is not begun anew behind anyone’s back', async () => {
    const run = await copy('changed');
    const [newest, before] = await checkpointsOf(run);
    await flipByte(newest, 200_000);
    await flipByte(before, 60);
    const records = await readFile(join(run, 'metrics.ndjson'), 'utf8');
    const { exitCode, stderr } = await resume(run);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${newest} cannot be gone on from: its tensors do not have their checksum`);
    expect(stderr).toContain(`${before} cannot be gone on from: its header does not have its checksum`);
    expect(await readFile(join(run, 'metrics.ndjson'), 'utf8')).toBe(records);
  });

  it('is refused under another spec', async () => {
    const run = await copy('other-spec');
    const spec = join(run, 'spec.yaml');
    await writeFile(spec, (await readFile(spec, 'utf8')).replace('seed: 5', 'seed: 6'));
    const { exitCode, stderr } = await resume(run);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('was begun under another spec');
  });

  it('is refused on a data set that has changed, with both hashes', async () => {
    const cache = join(root.path, 'cache');
    const csv = join(root.path, 'points.csv');
    const run = join(root.path, 'on-points');
    const importPoints = async (shift: number) => {
      const rows = Array.from({ length: 600 }, (_, i) => `${Math.sin(i) + shift},${Math.cos(2 * i)}`);
      await writeFile(csv, rows.join('\n'));
      const args = ['datasets', 'import', 'points', csv, '--test-fraction', '0.1', '--scale', '1', '--replace'];
      const imported = new ElboProcess(args, { ELBO_CACHE: cache });
      imported.result.catch(() => {}); // what it prints is no event
      await new Promise((resolve) => imported.child.once('close', resolve));
      expect(imported.child.exitCode).toBe(0);
    };
    await importPoints(0);
    const training = ['train', 'points', '--likelihood', 'gaussian', '--epochs', '500', '--batch-size', '64', ...small];
    const process = new ElboProcess([...training, '--out', run], { ELBO_CACHE: cache });
    await process.event((event) => event.event === 'epoch');
    process.child.kill('SIGINT');
    expect((await process.result).exitCode).toBe(130);
    await importPoints(1);
    const { exitCode, stderr } = await new ElboProcess(['resume', run], { ELBO_CACHE: cache }).result;
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /began on the data set points with the SHA-256 [0-9a-f]{64}, and points has [0-9a-f]{64} now/,
    );
  });

  it('is refused while a process of this machine still conducts it', async () => {
    const process = new ElboProcess(['train', 'mnist', ...small, '--out', join(root.path, 'running')]);
    await process.event((event) => event.event === 'step');
    const { exitCode, stderr } = await resume(join(root.path, 'running'));
    process.child.kill('SIGINT');
    await process.result;
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`is being conducted by process ${process.child.pid}`);
  });
});

function notices({ events }: ElboResult, code: string): string[] {
  return events.flatMap((event: RunEvent) => (event.event === 'notice' && event.code === code ? [event.message] : []));
}

async function checkpointsOf(run: string): Promise<[string, string]> {
  const names = (await readdir(run)).filter((name) => name.endsWith('.elbo')).sort();
  expect(names).toHaveLength(2);
  return [join(run, names[1] ?? ''), join(run, names[0] ?? '')];
}

async function flipByte(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, at);
  await file.write(Buffer.from([(byte[0] ?? 0) ^ 0xff]), 0, 1, at);
  await file.close();
}
