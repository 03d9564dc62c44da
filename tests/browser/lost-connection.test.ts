import { runMetricsSchema } from '@elbo/protocol/cluster';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redisForTests } from '../support/redis.js';
import { BreakableProxy } from './support/breakable-proxy.js';
import { browserForTests, launchBrowser } from './support/chromium.js';
import { PageCluster, smallMnist } from './support/page-cluster.js';
import { epochRows, stepsDrawn } from './support/run-page.js';
import { Visitor } from './support/visitor.js';

const epochs = 12;
const stepsPerEpoch = 50;
const lost = 'Connection lost, retrying';

/** The page is told of progress twice a second: an epoch of it takes longer than that. */
function unhurried(name: string) {
  const network = { hidden: [500] };
  return { ...smallMnist(name, epochs, stepsPerEpoch), model: { encoder: network, decoder: network } };
}

/** The page's progress of a run that is in this epoch or in a later one. */
function atLeastEpoch(first: number): RegExp {
  const epochsFrom = Array.from({ length: epochs - first + 1 }, (_, i) => first + i);
  return new RegExp(`epoch (${epochsFrom.join('|')}) of ${epochs}`);
}

describe.skipIf(!browserForTests || !redisForTests)('a lost connection', () => {
  let cluster: PageCluster;
  let browser: Browser;
  beforeAll(async () => {
    [cluster, browser] = await Promise.all([PageCluster.start(1), launchBrowser()]);
  });
  afterAll(async () => {
    await Promise.all([browser?.close(), cluster?.stop()]);
  });

  /** Waits for the end of the run, and then for every step and epoch of it to be on the page, once. */
  async function expectAllOf(runId: string, visitor: Visitor): Promise<void> {
    const { page } = visitor;
    await page.getByText('The run is completed.').waitFor({ state: 'attached', timeout: 90_000 });
    await expect.poll(() => stepsDrawn(page), { timeout: 20_000 }).toBe(epochs * stepsPerEpoch);
    const metrics = runMetricsSchema.parse(await cluster.ask('GET', `runs/${runId}/metrics?points=1000`));
    const measured = metrics.epochs.map(({ epoch, train, test }) => [epoch, train.elbo, test?.elbo ?? Number.NaN]);
    expect(measured).toHaveLength(epochs);
    await page.getByText('Epochs as a table').click();
    const rows = (await epochRows(page)).reverse();
    expect(rows).toEqual(measured.map((row) => row.map((value) => Number(value.toFixed(2)))));
  }

  it('of the network is told, and afterwards no step and no epoch is missing or there twice', async () => {
    const proxy = await BreakableProxy.start(cluster.port);
    const visitor = await Visitor.open(browser, proxy.url);
    const { page } = visitor;
    await visitor.signIn(cluster.token);
    await page.getByRole('heading', { name: 'Runs' }).waitFor();
    const { runId } = await cluster.submit(unhurried('cut-off'));
    await visitor.go(`#/runs/${runId}`);
    await page.getByText(atLeastEpoch(2)).waitFor({ timeout: 60_000 });
    for (const until of [5, 8]) {
      proxy.cut();
      await page.getByText(lost).waitFor();
      await visitor.photograph('connection-lost');
      const before = await stepsDrawn(page);
      await expect.poll(() => epochOf(cluster, runId), { timeout: 150_000 }).toBeGreaterThanOrEqual(until);
      expect(await stepsDrawn(page)).toBe(before);
      proxy.mend();
      await page.getByText(lost).waitFor({ state: 'detached' });
      await expect.poll(() => stepsDrawn(page)).toBeGreaterThan((until - 1) * stepsPerEpoch);
    }
    await expectAllOf(runId, visitor);
    expect(visitor.errors).toEqual([]);
    await visitor.leave();
    await proxy.stop();
  });

  it('that says nothing is noticed too', async () => {
    const proxy = await BreakableProxy.start(cluster.port);
    const visitor = await Visitor.open(browser, proxy.url);
    const { page } = visitor;
    await visitor.signIn(cluster.token);
    await page.getByRole('heading', { name: 'Runs' }).waitFor();
    const { runId } = await cluster.submit(unhurried('silenced'));
    await visitor.go(`#/runs/${runId}`);
    await page.getByText(/epoch \d+ of/).waitFor();
    proxy.silence();
    await page.getByText(lost).waitFor({ timeout: 60_000 });
    proxy.mend();
    await page.getByText(lost).waitFor({ state: 'detached' });
    await expectAllOf(runId, visitor);
    await visitor.leave();
    await proxy.stop();
  });

  it('is chosen by a tab in the background, which catches up when it is looked at again', async () => {
    const visitor = await Visitor.open(browser, cluster.url);
    const { page } = visitor;
    await visitor.signIn(cluster.token);
    await page.getByRole('heading', { name: 'Runs' }).waitFor();
    const { runId } = await cluster.submit(unhurried('background'));
    await visitor.go(`#/runs/${runId}`);
    await page.getByRole('heading', { name: 'background' }).waitFor();
    const closed = page.waitForEvent('requestfailed', (request) => request.url().includes('/events'));
    await visitor.looksAway(true);
    await closed;
    await expect.poll(() => epochOf(cluster, runId), { timeout: 150_000 }).toBe(epochs);
    await visitor.looksAway(false);
    await expectAllOf(runId, visitor);
    expect(visitor.errors).toEqual([]);
    await visitor.leave();
  });

  it('to a coordinator that was killed comes back with the next one, to the same view', async () => {
    const visitor = await Visitor.open(browser, cluster.url);
    const { page } = visitor;
    await visitor.signIn(cluster.token);
    await page.getByRole('heading', { name: 'Runs' }).waitFor();
    const { runId } = await cluster.submit(unhurried('taken-over'));
    await visitor.go(`#/runs/${runId}`);
    await page.getByText(atLeastEpoch(3)).waitFor({ timeout: 60_000 });
    await cluster.killCoordinator();
    await page.getByText(lost).waitFor();
    await cluster.startCoordinator();
    // Sessions end with the coordinator that opened them.
    await page.getByText('The session has ended. Sign in again.').waitFor();
    await page.getByLabel('Token of the cluster').fill(cluster.token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'taken-over' }).waitFor();
    await expectAllOf(runId, visitor);
    expect(visitor.errors).toEqual([]);
    await visitor.leave();
  });
});

async function epochOf(cluster: PageCluster, runId: string): Promise<number> {
  const { epoch } = (await cluster.ask('GET', `runs/${runId}`)) as { epoch: number };
  return epoch;
}
