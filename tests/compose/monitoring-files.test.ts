import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const infra = join(import.meta.dirname, '../../infra');
const read = (path: string) => readFileSync(join(infra, path), 'utf8');

/** What a coordinator reports: its own metrics with the type of each, and two of every Node process. */
const metrics: Record<string, 'gauge' | 'counter' | 'histogram'> = {
  elbo_step_seconds: 'histogram',
  elbo_images_per_second: 'gauge',
  elbo_elbo: 'gauge',
  elbo_kl_divergence: 'gauge',
  elbo_reconstruction_log_prob: 'gauge',
  elbo_queue_depth: 'gauge',
  elbo_faults_total: 'counter',
  elbo_wire_bytes_total: 'counter',
  elbo_workers: 'gauge',
  process_resident_memory_bytes: 'gauge',
  process_cpu_seconds_total: 'counter',
};
const series = Object.entries(metrics).flatMap(([name, type]) =>
  type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
);

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[];
}
const dashboard = JSON.parse(read('grafana/dashboards/elbo.json')) as { uid: string; panels: Panel[] };
const queries = dashboard.panels.flatMap(({ targets = [] }) => targets);
const alerts = parse(read('prometheus/alerts.yml')) as { groups: { rules: { alert: string; expr: string }[] }[] };

function seriesIn(expression: string): string[] {
  return [...new Set(expression.match(/\b(elbo|process)_[a-z_]+/g) ?? [])];
}

describe('the dashboard of Grafana', () => {
  it.each(queries.map(({ expr }) => expr))('asks for metrics that there are: %s', (expr) => {
    expect(seriesIn(expr).length).toBeGreaterThan(0);
    for (const name of seriesIn(expr)) expect(series).toContain(name);
  });

  it('shows every metric', () => {
    const shown = queries.flatMap(({ expr }) => seriesIn(expr).map((name) => name.replace(/_(bucket|sum|count)$/, '')));
    expect([...new Set(shown)].sort()).toEqual(Object.keys(metrics).sort());
  });

  it('takes counters by their rate, and gauges as they are', () => {
    for (const { expr } of queries) {
      for (const name of seriesIn(expr)) {
        const counts = metrics[name] !== 'gauge';
        expect(new RegExp(`rate\\(${name}`).test(expr), expr).toBe(counts);
      }
    }
  });

  it('asks the data source that is provisioned, under the name by which it is the home page', () => {
    const { datasources } = parse(read('grafana/provisioning/datasources/prometheus.yml')) as {
      datasources: { uid: string }[];
    };
    for (const { datasource } of queries) expect(datasource.uid).toBe(datasources[0]?.uid);
    expect(read('compose.yaml')).toContain('/etc/grafana/dashboards/elbo.json');
  });

  it('has panels that do not lie over each other', () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  });
});

describe('the alerts of Prometheus', () => {
  it.each(alerts.groups.flatMap(({ rules }) => rules))('$alert asks for metrics that there are', ({ expr }) => {
    for (const name of seriesIn(expr)) expect(series).toContain(name);
  });
});
