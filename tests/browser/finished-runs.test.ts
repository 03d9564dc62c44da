import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redisForTests } from '../support/redis.js';
import { browserForTests, launchBrowser } from './support/chromium.js';
import { PageCluster, smallMnist } from './support/page-cluster.js';
import { Visitor } from './support/visitor.js';

describe.skipIf(!browserForTests || !redisForTests)('a run that is over', () => {
  let cluster: PageCluster;
  let browser: Browser;
  let visitor: Visitor;
  let page: Page;
  beforeAll(async () => {
    [cluster, browser] = await Promise.all([PageCluster.start(1), launchBrowser()]);
    visitor = await Visitor.open(browser, cluster.url);
    page = visitor.page;
    await visitor.signIn(cluster.token);
    for (const name of ['earlier', 'viewed']) await cluster.submit(smallMnist(name, 1, 4));
    await page.getByRole('link', { name: 'viewed' }).click();
    await page.getByText('The run is completed.').waitFor({ state: 'attached', timeout: 60_000 });
  });
  afterAll(async () => {
    await Promise.all([browser?.close(), cluster?.stop()]);
  });

  it('has a spec to copy, and tells for a while whether it was', async () => {
    await page.context().grantPermissions(['clipboard-write']);
    await page.getByRole('link', { name: 'Spec' }).click();
    const copy = page.getByRole('button', { name: 'Copy', exact: true });
    await copy.click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    await copy.waitFor();
    await page.evaluate(() => {
      navigator.clipboard.writeText = () => Promise.reject(new DOMException('not here', 'NotAllowedError'));
    });
    await copy.click();
    await page.getByRole('button', { name: 'The browser refused' }).waitFor();
    await copy.waitFor();
    expect(visitor.errors).toEqual([]);
  });

  it('is found by a filter that stays when one comes back from it', async () => {
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Runs' }).click();
    const filter = page.getByRole('searchbox', { name: 'Filter by name, id or data set' });
    await filter.fill('viewed');
    await page.getByText('1 run', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'viewed' }).click();
    await page.getByRole('heading', { name: 'viewed' }).waitFor();
    await page.goBack();
    await page.getByText('1 run', { exact: true }).waitFor();
    expect(await filter.inputValue()).toBe('viewed');
  });

  it('may be compared with one that was begun after its end', async () => {
    let lists = 0;
    page.on('request', (request) => {
      if (request.url().endsWith('/api/v1/runs')) lists++;
    });
    await page.getByRole('link', { name: 'viewed' }).click();
    const picker = page.getByText('Compare with other runs');
    await picker.waitFor();
    expect(lists).toBe(0);
    await picker.click();
    await page.getByRole('checkbox', { name: /earlier/ }).waitFor();
    await cluster.submit(smallMnist('later', 1, 4));
    await picker.click();
    await picker.click();
    await page.getByRole('checkbox', { name: /later-/ }).waitFor();
  });
});
