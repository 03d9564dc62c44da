import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redisForTests } from '../support/redis.js';
import { browserForTests, launchBrowser } from './support/chromium.js';
import { PageCluster, smallMnist } from './support/page-cluster.js';
import { Visitor } from './support/visitor.js';

describe.skipIf(!browserForTests || !redisForTests)('signing in', () => {
  let cluster: PageCluster;
  let browser: Browser;
  beforeAll(async () => {
    [cluster, browser] = await Promise.all([PageCluster.start(0), launchBrowser()]);
  });
  afterAll(async () => {
    await Promise.all([browser?.close(), cluster?.stop()]);
  });

  const visit = () => Visitor.open(browser, cluster.url);

  it('refuses what is no token and says so, and lets in who has one until they sign out', async () => {
    const visitor = await visit();
    const { page } = visitor;
    await visitor.signIn('not the token of this cluster');
    await page.getByRole('alert').getByText('token').waitFor();
    expect(await page.getByRole('heading', { name: 'Runs' }).count()).toBe(0);
    await visitor.photograph('login-refused');
    expect(await visitor.barriers()).toEqual([]);

    await visitor.signIn(cluster.token);
    await page.getByRole('heading', { name: 'Runs' }).waitFor();
    await page.getByText('No run yet').waitFor();
    await visitor.photograph('runs-empty');
    expect(await visitor.barriers()).toEqual([]);

    await page.reload();
    await page.getByRole('heading', { name: 'Runs' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token of the cluster').waitFor();
    expect(await page.title()).toBe('Sign in · Elbo');
    await page.reload();
    await page.getByLabel('Token of the cluster').waitFor();
    expect(visitor.errors).toEqual([]);
    await visitor.leave();
  });

  it('does not say that one is signed out when the coordinator did not', async () => {
    const visitor = await visit();
    const { page } = visitor;
    await visitor.signIn(cluster.token);
    await page.route('**/api/v1/session', (route) => route.abort());
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('alert').getByText('may still be signed in').waitFor();
    await page.unroute('**/api/v1/session');
    await page.reload();
    await page.getByRole('heading', { name: 'Runs' }).waitFor();
    await visitor.leave();
  });

  it('takes the token of the address, and leaves no trace of it in the page', async () => {
    const visitor = await visit();
    const { page } = visitor;
    await visitor.go(`#token=${cluster.token}`);
    await page.getByRole('heading', { name: 'Runs' }).waitFor();
    expect(page.url()).toBe(`${cluster.url}/#/`);
    const traces = await page.evaluate(() =>
      JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }]),
    );
    expect(traces).not.toContain(cluster.token);
    expect(await page.evaluate(() => document.cookie)).toBe('');
    await visitor.leave();
  });

  it('asks for a token when the address has none that can be read', async () => {
    const visitor = await visit();
    await visitor.go('#token=50%');
    await visitor.page.getByLabel('Token of the cluster').waitFor();
    await visitor.page.getByRole('alert').getByText('token').waitFor();
    expect(visitor.errors).toEqual([]);
    await visitor.leave();
  });

  it('again, when the session has ended, loses nothing that was typed', async () => {
    const visitor = await visit();
    const { page } = visitor;
    await visitor.signIn(cluster.token);
    await page.getByRole('link', { name: 'New run' }).click();
    await page.getByLabel('Name').fill('typed-before');
    await page.getByLabel('Workers at most').fill('3');
    await page.context().clearCookies();
    await page.getByRole('button', { name: 'Start the run' }).click();
    await page.getByText('The session has ended. Sign in again.').waitFor();
    await page.getByLabel('Token of the cluster').fill(cluster.token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect.poll(() => page.getByLabel('Name').inputValue()).toBe('typed-before');
    expect(await page.getByLabel('Workers at most').inputValue()).toBe('3');
    // Who leaves the form on their own begins anew.
    await page.getByRole('link', { name: 'Discard' }).click();
    await page.getByRole('link', { name: 'New run' }).click();
    expect(await page.getByLabel('Name').inputValue()).toBe('mnist');
    await visitor.leave();
  });

  it('lets a read token look at everything and change nothing', async () => {
    const { runId } = await cluster.submit(smallMnist('looked-at', 1, 4));
    const visitor = await visit();
    const { page } = visitor;
    await visitor.signIn(cluster.readToken);
    await page.getByRole('link', { name: 'looked-at' }).waitFor();
    await page.getByText('read only').waitFor();
    expect(await page.getByRole('link', { name: 'New run' }).count()).toBe(0);
    await page.getByRole('link', { name: 'looked-at' }).click();
    await page.getByRole('heading', { name: 'looked-at' }).waitFor();
    for (const name of ['Pause', 'Cancel']) expect(await page.getByRole('button', { name }).count()).toBe(0);
    expect(await page.getByRole('link', { name: 'Run again with changes' }).count()).toBe(0);
    await visitor.go('#/new');
    await page.getByText('You may look, not start').waitFor();
    // Nor does the server let the page's session do it.
    const status = await page.evaluate(
      async (path) => (await fetch(path, { method: 'POST' })).status,
      `api/v1/runs/${runId}/cancel`,
    );
    expect(status).toBe(403);
    expect(visitor.errors).toEqual([]);
    await visitor.leave();
  });

  it('is on a page that may load and run nothing but its own files', async () => {
    const visitor = await visit();
    const response = await visitor.page.goto(cluster.url);
    const policy = response?.headers()['content-security-policy'] ?? '';
    const sources = (directive: string) => new RegExp(`${directive} ([^;]*)`).exec(policy)?.[1];
    expect(sources('script-src') ?? sources('default-src')).toBe("'self'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    await visitor.signIn(cluster.token);
    await visitor.page.getByRole('heading', { name: 'Runs' }).waitFor();
    expect(visitor.elsewhere).toEqual([]);
    expect(visitor.errors).toEqual([]);
    await visitor.leave();
  });
});
