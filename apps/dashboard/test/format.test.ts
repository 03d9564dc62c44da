import { describe, expect, it } from 'vitest';
import { ago, bytes, count, duration, moment, nats, percent, plural, short } from '../src/format/format.js';
import { linkTo, type Route, readRoute } from '../src/routes.js';
import { filterRuns } from '../src/runs/filter-runs.js';
import { sparklinePath } from '../src/runs/sparkline.js';
import { runSummary } from './runs.js';

describe('numbers', () => {
  it('are written for reading', () => {
    expect(nats(-105.346)).toBe('−105.35');
    expect(count(26_120.4)).toBe('26,120');
    expect([0, 950, 999.6, 1250, 2000, 99_960, 652_824, 1_200_000].map(short)).toEqual([
      '0',
      '950',
      '1k',
      '1.25k',
      '2k',
      '100k',
      '653k',
      '1.2M',
    ]);
    expect([512, 999.6, 1500, 2_612_000, 3e9, 5e12].map(bytes)).toEqual([
      '512 B',
      '1.0 kB',
      '1.5 kB',
      '2.6 MB',
      '3.0 GB',
      '5.0 TB',
    ]);
    // Of a run that explodes.
    expect([-999_999, -128_038_196_717.14].map(nats)).toEqual(['−999999.00', '−1.28e+11']);
    expect([-150_000, -999.6e6, 2.0617e10].map(short)).toEqual(['−150k', '−1e+9', '2.06e+10']);
    expect(percent(0.501)).toBe('50 %');
    expect([plural(1, 'worker'), plural(2, 'worker')]).toEqual(['1 worker', '2 workers']);
  });

  it('are times where they are times', () => {
    expect([4.21, 59.6, 65, 7800, 200_000, Number.NaN].map(duration)).toEqual([
      '4.2 s',
      '1 min 00 s',
      '1 min 05 s',
      '2 h 10 min',
      '2 d 7 h',
      '?',
    ]);
    expect([1, 12, 300, 7300, 200_000].map((seconds) => ago(0, 1000 * seconds))).toEqual([
      'now',
      '12 s ago',
      '5 min ago',
      '2 h ago',
      '2 d ago',
    ]);
  });
});

describe('moments', () => {
  it('name the day, and the year, when they are others', () => {
    const at = (...date: [number, number, number]) => new Date(...date, 13, 5, 9).getTime();
    const written = [at(2026, 4, 7), at(2026, 3, 7), at(2025, 4, 7)].map((time) => moment(time, at(2026, 4, 7)));
    expect(written).toEqual(['13:05:09', '7 Apr 13:05:09', '7 May 2025 13:05:09']);
  });
});

describe('the filter of the runs', () => {
  const runs = [
    runSummary({ runId: 'mnist-1', name: 'mnist', state: 'running' }),
    runSummary({ runId: 'mnist-2', name: 'Beta4', state: 'failed' }),
    runSummary({ runId: 'faces-1', name: 'faces', dataset: 'faces', state: 'completed' }),
  ];
  const idsOf = (...wanted: Parameters<typeof filterRuns>) => filterRuns(...wanted).map(({ runId }) => runId);

  it('finds every word in id, name, data set or state, in a group of states', () => {
    expect(idsOf(runs, 'all', '')).toEqual(['mnist-1', 'mnist-2', 'faces-1']);
    expect(idsOf(runs, 'all', ' beta4  MNIST ')).toEqual(['mnist-2']);
    expect(idsOf(runs, 'active', 'mnist')).toEqual(['mnist-1']);
    expect(idsOf(runs, 'stopped', '')).toEqual(['mnist-2']);
    expect(idsOf(runs, 'completed', 'nothing')).toEqual([]);
  });
});

describe('a sparkline', () => {
  it('goes from the left to the right and from the lowest to the highest', () => {
    expect(sparklinePath([1, 3, 2])).toBe('M3.0 23.0L48.0 3.0L93.0 13.0');
  });

  it('is none of fewer than two values, and flat of equal ones', () => {
    expect(sparklinePath([1])).toBeNull();
    expect(sparklinePath([5, 5])).toBe('M3.0 23.0L93.0 23.0');
  });
});

describe('an address', () => {
  it('is read back as what it was written for', () => {
    const routes: Exclude<Route, { view: 'unknown' }>[] = [
      { view: 'runs' },
      { view: 'workers' },
      { view: 'new', from: null },
      { view: 'new', from: 'mnist-1a2b' },
      { view: 'run', runId: 'mnist-1a2b', tab: 'curves' },
      { view: 'run', runId: 'mnist-1a2b', tab: 'latent' },
    ];
    for (const route of routes) expect(readRoute(linkTo(route))).toEqual(route);
  });

  it('that names nothing, or no run id, is unknown', () => {
    for (const hash of ['#/nothing', '#/runs', '#/runs/..', '#/runs/mnist-1a2b/else', '#/runs/<b>']) {
      expect(readRoute(hash)).toEqual({ view: 'unknown' });
    }
  });
});
