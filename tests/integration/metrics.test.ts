import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CoordinatorMetrics } from '@elbo/coordinator/metrics/coordinator-metrics';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ConductedRun, specOf } from '../support/conducted-run.js';
import { redisForTests, startTestRedis, type TestRedis } from '../support/redis.js';
import { RedisCluster } from '../support/redis-cluster.js';

const infra = join(import.meta.dirname, '../../infra');
const asked = ['grafana/dashboards/elbo.json', 'prometheus/alerts.yml'].flatMap((path) => {
  return readFileSync(join(infra, path), 'utf8').match(/\b(elbo|process)_[a-z_]+\b/g) ?? [];
});

const spec = specOf({
  dataset: { name: 'mnist', limit: 60_000 },
  model: { latentDim: 4, encoder: { hidden: [32] }, decoder: { hidden: [32] } },
  training: { epochs: 50, globalBatchSize: 128, shardsPerStep: 2 },
});

/** The samples of a text in Prometheus' format, by name with labels. @throws on a line that is none */
function parse(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.trimEnd().split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [, name, labels = '', value] = /^([a-zA-Z_:]\w*)(\{[^}]*\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined || (Number.isNaN(Number(value)) && value !== 'Nan'))
      throw new Error(`not a sample: ${line}`);
    expect(samples.has(name + labels), line).toBe(false);
    samples.set(name + labels, Number(value));
  }
  return samples;
}

describe.skipIf(!redisForTests)('what Prometheus reads of a coordinator', () => {
  let redis: TestRedis;
  let cluster: RedisCluster;
  let metrics: CoordinatorMetrics;
  const read = async () => parse(await metrics.text());
  beforeAll(async () => {
    redis = await startTestRedis();
    cluster = await RedisCluster.start(redis.url, redis.freshPrefix());
    metrics = new CoordinatorMetrics(cluster.transport, { keepEndedMs: 200 });
  });
  afterAll(async () => {
    metrics.close();
    await cluster.close();
    await redis.stop();
  });

  it('has every metric that dashboard and alerts ask for, of a run that is conducted', async () => {
    await cluster.worker({ workerId: 'a', shareMemory: false });
    const victim = await cluster.worker({ workerId: 'b', shareMemory: false, holdAt: 60 });
    const holds = once(victim, 'message');
    const stop = new AbortController();
    const run: ConductedRun = new ConductedRun(cluster.transport, spec, 'measured', {
      metrics,
      signal: stop.signal,
      onEvent: (event) => {
        metrics.take(event);
        run.take(event);
      },
    });
    await run.step(20);
    const early = await read();
    const names = [...early.keys()].map((key) => key.replace(/\{.*/, ''));
    expect(asked.length).toBeGreaterThan(15);
    for (const name of asked) if (name !== 'elbo_') expect(names, name).toContain(name);
    expect(early.get('elbo_workers{run="measured"}')).toBe(2);
    expect(early.get('elbo_elbo{run="measured"}')).toBeCloseTo(
      (early.get('elbo_reconstruction_log_prob{run="measured"}') ?? 0) -
        (early.get('elbo_kl_divergence{run="measured"}') ?? 0),
      3,
    );
    for (const phase of ['compute', 'transport', 'reduce', 'wait']) {
      expect(early.get(`elbo_step_seconds_count{run="measured",phase="${phase}"}`)).toBeGreaterThanOrEqual(20);
    }
    for (const queue of ['runs', 'shards']) expect(early.get(`elbo_queue_depth{queue="${queue}"}`)).toBeDefined();
    // Parameters to each worker, and a gradient for each shard.
    const parameterBytes = 4 * (784 * 32 + 32 + 2 * (32 * 4 + 4) + 4 * 32 + 32 + 32 * 784 + 784);
    const { lastStep } = run;
    for (const direction of ['sent', 'received']) {
      const bytes = early.get(`elbo_wire_bytes_total{run="measured",direction="${direction}"}`) ?? 0;
      expect(bytes).toBeGreaterThan(20 * parameterBytes);
      expect(bytes).toBeLessThan((lastStep + 5) * 2.5 * parameterBytes);
    }

    // A worker that is lost is a fault, and no more a worker; totals never fall.
    await holds;
    victim.kill('SIGKILL');
    await vi.waitFor(async () => {
      const now = await read();
      expect(now.get('elbo_workers{run="measured"}')).toBe(1);
      expect(now.get('elbo_faults_total{run="measured",kind="worker-lost"}')).toBe(1);
      for (const [name, value] of early)
        if (/^elbo_.*(_total|_count)/.test(name)) expect(now.get(name), name).toBeGreaterThanOrEqual(value);
    }, 5000);

    // A stranger is refused, and that is counted, of no run.
    await fetch(`${cluster.transport.address}/v1/datasets/${'a'.repeat(64)}`);
    expect((await read()).get('elbo_faults_total{run="",kind="bad-token"}')).toBe(1);

    stop.abort();
    await run.ended;
    const over = await read();
    expect(over.has('elbo_workers{run="measured"}')).toBe(false);
    expect(over.get('elbo_images_per_second{run="measured"}')).toBeGreaterThan(0);
    await vi.waitFor(async () => {
      expect([...(await read()).keys()].filter((name) => name.includes('measured'))).toEqual([]);
    }, 5000);
  });

  it('comes without queues when Redis does not answer', async () => {
    const deaf = new CoordinatorMetrics({
      refusals: new Map(),
      queueDepths: () => Promise.reject(new Error('no Redis')),
    });
    const samples = parse(await deaf.text());
    expect([...samples.keys()].some((name) => name.startsWith('elbo_queue_depth'))).toBe(false);
    expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(0);
    deaf.close();
  });
});
