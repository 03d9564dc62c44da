import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { redisForTests } from '../support/redis.js';
import { browserForTests, launchBrowser } from './support/chromium.js';
import { PageCluster, smallMnist } from './support/page-cluster.js';
import { Visitor } from './support/visitor.js';

/** Windows that people look through. */
const looks: Readonly<Record<string, BrowserContextOptions>> = {
  light: { colorScheme: 'light' },
  dark: { colorScheme: 'dark' },
  phone: { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, hasTouch: true, colorScheme: 'light' },
  'phone-dark': { viewport: { width: 360, height: 740 }, hasTouch: true, colorScheme: 'dark', reducedMotion: 'reduce' },
};

describe.skipIf(!browserForTests || !redisForTests)('the look of the page', () => {
  let cluster: PageCluster;
  let browser: Browser;
  let runId: string;
  let collapsedId: string;
  beforeAll(async () => {
    [cluster, browser] = await Promise.all([PageCluster.start(2), launchBrowser()]);
    ({ runId } = await cluster.submit(smallMnist('mnist', 4, 60)));
    // Ten thousand times the price of a nat: the posterior gives up.
    ({ runId: collapsedId } = await cluster.submit({ ...smallMnist('dear', 3, 40), objective: { beta: 10_000 } }));
    for (const id of [runId, collapsedId]) {
      const state = async () => ((await cluster.ask('GET', `runs/${id}`)) as { state: string }).state;
      await vi.waitFor(async () => expect(await state()).toBe('completed'), { timeout: 110_000, interval: 200 });
    }
  });
  afterAll(async () => {
    await Promise.all([browser?.close(), cluster?.stop()]);
  });

  const views = (): Readonly<Record<string, { readonly place: string; readonly ready: string | RegExp }>> => ({
    runs: { place: '#/', ready: 'dear' },
    workers: { place: '#/workers', ready: 'worker-2' },
    run: { place: `#/runs/${runId}`, ready: 'KL of each dimension' },
    pictures: { place: `#/runs/${runId}/pictures`, ready: '4 epochs drawn' },
    latent: { place: `#/runs/${runId}/latent`, ready: /principal components/ },
    events: { place: `#/runs/${runId}/events`, ready: 'run-finished' },
    spec: { place: `#/runs/${runId}/spec`, ready: 'Parameters SHA-256' },
    files: { place: `#/runs/${runId}/files`, ready: 'metrics.ndjson' },
    again: { place: `#/new/${runId}`, ready: 'Latent dimensions' },
    collapsed: { place: `#/runs/${collapsedId}`, ready: 'The posterior has collapsed' },
    nowhere: { place: '#/runs/no-such-run', ready: 'No such run' },
  });

  for (const [look, options] of Object.entries(looks)) {
    it(`has no barrier and fits its window: ${look}`, async () => {
      const visitor = await Visitor.open(browser, cluster.url, options);
      const { page } = visitor;
      await visitor.signIn(cluster.token);
      await page.getByRole('heading', { name: 'Runs' }).waitFor();
      for (const [name, { place, ready }] of Object.entries(views())) {
        await visitor.go(place);
        await page.getByText(ready).first().waitFor();
        await visitor.seesAllPictures();
        await visitor.photograph(`${look}-${name}`);
        expect(await visitor.barriers(), name).toEqual([]);
        expect(await visitor.overflow(), name).toBeLessThanOrEqual(0);
      }
      expect(visitor.errors).toEqual([]);
      await visitor.leave();
    });
  }

  it('is looked at by tests that would see a barrier', async () => {
    const visitor = await Visitor.open(browser, cluster.url);
    await visitor.go();
    await visitor.page.getByLabel('Token of the cluster').waitFor();
    await visitor.page.evaluate(() => document.querySelector('main')?.append(new Image()));
    expect((await visitor.barriers()).join()).toContain('image-alt');
    await visitor.page.evaluate(() => document.querySelector('main')?.style.setProperty('min-width', '3000px'));
    expect(await visitor.overflow()).toBeGreaterThan(0);
    await visitor.leave();
  });

  it('explains a collapsed posterior: what was measured, what it means, what to try', async () => {
    const visitor = await Visitor.open(browser, cluster.url);
    await visitor.signIn(cluster.token);
    await visitor.page.getByRole('heading', { name: 'Runs' }).waitFor();
    await visitor.go(`#/runs/${collapsedId}`);
    const alarm = visitor.page.getByRole('alert').filter({ hasText: 'The posterior has collapsed' });
    await alarm.getByText(/0 of 20 latent dimensions are active/).waitFor();
    await alarm.getByText(/betaWarmupSteps/).waitFor();
    await alarm.getByText('Lower objective.beta from 10000 towards 1').waitFor();
    await visitor.go(`#/runs/${runId}`);
    await visitor.page.getByText('KL of each dimension').waitFor();
    expect(await alarm.count()).toBe(0);
    await visitor.leave();
  });

  it('opens a run at its top on a phone, whatever stands before its tabs, and brings the tab that is open into sight', async () => {
    const visitor = await Visitor.open(browser, cluster.url, { viewport: { width: 390, height: 660 } });
    const { page } = visitor;
    await visitor.signIn(cluster.token);
    await page.getByRole('link', { name: 'dear' }).click();
    await page.getByText('The posterior has collapsed').waitFor();
    await page.getByRole('navigation', { name: 'Of this run' }).waitFor();
    expect(await page.evaluate(() => scrollY)).toBe(0);
    await visitor.go(`#/runs/${collapsedId}/files`);
    const files = page.getByRole('link', { name: 'Files' });
    await expect.poll(async () => ((await files.boundingBox())?.x ?? 390) < 340).toBe(true);
    await visitor.leave();
  });

  it('is dark or light as one chooses, also after a reload', async () => {
    const visitor = await Visitor.open(browser, cluster.url, { colorScheme: 'light' });
    const { page } = visitor;
    await visitor.signIn(cluster.token);
    await page.getByRole('heading', { name: 'Runs' }).waitFor();
    const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await ground();
    await page.getByRole('button', { name: 'Colours: as the system' }).click();
    await page.getByRole('button', { name: 'Colours: light' }).click();
    await page.getByRole('button', { name: 'Colours: dark' }).waitFor();
    const dark = await ground();
    expect(dark).not.toBe(light);
    await page.reload();
    await page.getByRole('heading', { name: 'Runs' }).waitFor();
    expect(await ground()).toBe(dark);
    await visitor.leave();
  });

  it('says that there is no such run, and not that the connection is lost', async () => {
    const visitor = await Visitor.open(browser, cluster.url);
    const { page } = visitor;
    await visitor.signIn(cluster.token);
    await page.getByRole('heading', { name: 'Runs' }).waitFor();
    await visitor.go('#/runs/no-such-run');
    await page.getByText('No such run').waitFor();
    await page.getByText('Connection lost').waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'All runs' }).click();
    await page.getByRole('link', { name: 'mnist' }).waitFor();
    await visitor.leave();
  });

  it('is used without a mouse', async () => {
    const visitor = await Visitor.open(browser, cluster.url);
    const { page } = visitor;
    await visitor.signIn(cluster.token);
    const link = page.getByRole('link', { name: 'mnist' });
    await link.waitFor();
    await page.keyboard.press('Tab');
    expect(await focused(visitor)).toBe('Skip to the content');
    for (
      let presses = 0;
      presses < 30 && !(await link.evaluate((found) => found === document.activeElement));
      presses++
    ) {
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'mnist' }).waitFor();
    await expect.poll(() => page.title()).toBe('completed · mnist · Elbo');
    await visitor.leave();
  });

  it('leads to the queues', async () => {
    const visitor = await Visitor.open(browser, cluster.url);
    const { page } = visitor;
    await visitor.signIn(cluster.token);
    await page.getByRole('link', { name: 'Queues' }).click();
    await page.getByText('shards').first().waitFor();
    expect(new URL(page.url()).pathname).toMatch(/^\/queues/);
    await visitor.leave();
  });

  it('marks a worker that is gone as stale, or lists it no more', async () => {
    const visitor = await Visitor.open(browser, cluster.url);
    const { page } = visitor;
    await visitor.signIn(cluster.token);
    await page.getByRole('link', { name: 'Workers' }).click();
    await page.getByText('worker-2').waitFor();
    await cluster.killWorker();
    const row = page.getByRole('row').filter({ hasText: 'worker-2' });
    await expect
      .poll(async () => (await row.count()) === 0 || ((await row.textContent()) ?? '').includes('stale'), {
        timeout: 60_000,
      })
      .toBe(true);
    await visitor.photograph('worker-stale');
    await visitor.leave();
  });
});

function focused({ page }: Visitor): Promise<string | null | undefined> {
  return page.evaluate(() => document.activeElement?.textContent);
}
