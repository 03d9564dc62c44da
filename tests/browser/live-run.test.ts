import type { Browser, Page, Request } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redisForTests } from '../support/redis.js';
import { browserForTests, launchBrowser } from './support/chromium.js';
import { PageCluster, smallMnist } from './support/page-cluster.js';
import { stepsDrawn } from './support/run-page.js';
import { Visitor } from './support/visitor.js';

describe.skipIf(!browserForTests || !redisForTests)('a run, from the form to its end', () => {
  let cluster: PageCluster;
  let browser: Browser;
  let visitor: Visitor;
  let page: Page;
  beforeAll(async () => {
    [cluster, browser] = await Promise.all([PageCluster.start(2), launchBrowser()]);
    visitor = await Visitor.open(browser, cluster.url);
    page = visitor.page;
    await visitor.signIn(cluster.token);
    await page.getByRole('heading', { name: 'Runs' }).waitFor();
  });
  afterAll(async () => {
    await Promise.all([browser?.close(), cluster?.stop()]);
  });

  it('is not sent while its spec is wrong, and each problem stands where it is', async () => {
    await page.getByRole('link', { name: 'New run' }).click();
    await page.getByRole('heading', { name: 'New run' }).waitFor();
    const start = page.getByRole('button', { name: 'Start the run' });
    await page.getByLabel('Epochs').fill('none');
    await page.getByText(/^training\.epochs: /).waitFor();
    expect(await start.isDisabled()).toBe(true);
    // Half a number is not written over while it is typed.
    await page.getByLabel('Learning rate').fill('');
    await page.getByLabel('Learning rate').pressSequentially('0.0005');
    expect(await page.getByLabel('The whole spec, as JSON').inputValue()).toContain('"learningRate": 0.0005');
    await page.getByLabel('The whole spec, as JSON').fill('{');
    await page.getByText('This is no JSON').waitFor();
    expect(await page.getByLabel('Epochs').isDisabled()).toBe(true);
    await visitor.photograph('form-wrong');
    expect(await visitor.barriers()).toEqual([]);
  });

  it('is refused by the coordinator with a reason that the form shows', async () => {
    await page.getByLabel('The whole spec, as JSON').fill('{"dataset":{"name":"no-such-data"}}');
    await page.getByRole('button', { name: 'Start the run' }).click();
    await page.getByRole('alert').getByText('no-such-data').waitFor();
    await visitor.photograph('form-refused');
  });

  it('shows its curves as they grow, without a reload', async () => {
    const spec = smallMnist('mnist-live', 200, 60);
    await page.getByLabel('The whole spec, as JSON').fill(JSON.stringify(spec));
    await page.getByLabel('Batch size').fill('64');
    await page.getByRole('button', { name: 'Start the run' }).click();
    await page.getByRole('heading', { name: 'mnist-live' }).waitFor();
    await page.getByRole('figure').filter({ hasText: 'Reconstruction' }).locator('canvas').waitFor();
    const before = await stepsDrawn(page);
    await expect.poll(() => stepsDrawn(page), { timeout: 30_000 }).toBeGreaterThan(before + 20);
    await page.getByText(/epoch ([2-9]|\d\d+) of 200/).waitFor();
    // The test split's curve is in the legend once an epoch was measured.
    await page.getByRole('figure').filter({ hasText: 'ELBO' }).getByText('test').first().waitFor();
    await visitor.photograph('run-live');
  });

  it('is paused and resumed', async () => {
    await page.getByRole('button', { name: 'Pause' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Resume' }).waitFor();
    // With the keyboard one stays where one is.
    await page.locator('button:focus').getByText('Resume', { exact: true }).waitFor();
    await page.getByText('The run is paused.').waitFor({ state: 'attached' });
    await page.getByText('Since start', { exact: true }).waitFor();
    await visitor.photograph('run-paused');
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('The run is running.').waitFor({ state: 'attached' });
  });

  it('is zoomed into by dragging, and seen whole again after a double click', async () => {
    const plot = page.getByRole('figure').filter({ hasText: 'Reconstruction' }).locator('.u-over');
    const box = await plot.boundingBox();
    if (!box) throw new Error('the plot has no box');
    await page.mouse.move(box.x + 0.2 * box.width, box.y + 50);
    await page.mouse.down();
    await page.mouse.move(box.x + 0.6 * box.width, box.y + 60, { steps: 4 });
    await page.mouse.up();
    await page.getByRole('button', { name: 'Reset zoom' }).waitFor();
    await plot.dblclick();
    await page.getByRole('button', { name: 'Reset zoom' }).waitFor({ state: 'detached' });
  });

  it('is looked at on other scales, in part, and without its first steps', async () => {
    for (const name of ['log steps', 'log KL', 'ignore outliers']) await page.getByLabel(name).click();
    const part = page.getByRole('combobox', { name: 'Steps' });
    await part.selectOption('last half');
    await page.getByRole('button', { name: 'Reset zoom' }).waitFor();
    await page.getByRole('slider', { name: 'Smoothing' }).press('Home');
    await page.getByText('Smoothing 0.00').waitFor();
    const before = await stepsDrawn(page);
    await expect.poll(() => stepsDrawn(page)).toBeGreaterThan(before);
    // The last half grows with the run.
    expect(await part.inputValue()).toBe('last half');
    await visitor.photograph('run-log');
    for (const name of ['log steps', 'log KL', 'ignore outliers']) await page.getByLabel(name).click();
    await page.getByRole('button', { name: 'Reset zoom' }).click();
    expect(visitor.errors).toEqual([]);
  });

  it('shows samples and reconstructions of each epoch, by a slider', async () => {
    await page.getByRole('link', { name: 'Pictures' }).click();
    const slider = page.getByRole('slider', { name: 'Epoch' });
    await slider.waitFor();
    await expect.poll(() => slider.getAttribute('max').then(Number), { timeout: 30_000 }).toBeGreaterThan(1);
    await slider.focus();
    await slider.press('Home');
    const samples = page.getByAltText('Samples after epoch 1', { exact: true });
    await samples.waitFor();
    await expect.poll(() => samples.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(28);
    await slider.press('ArrowRight');
    const reconstructions = page.getByAltText('Reconstructions after epoch 2', { exact: true });
    await expect
      .poll(() => reconstructions.evaluate((image: HTMLImageElement) => image.naturalWidth))
      .toBeGreaterThan(28);
    await visitor.photograph('pictures');
  });

  it('decodes the place below the pointer and the arrow keys, and shows the example behind a dot', async () => {
    await page.getByRole('link', { name: 'Latent plane' }).click();
    const plane = page.getByRole('application', { name: 'Latent plane' });
    await plane.waitFor();
    await page.getByText(/principal components/).waitFor();
    const decoded = page.getByRole('img', { name: 'Decoded at' });
    const pixels = () => decoded.evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
    const decodings = watchDecodings(page);
    await plane.focus();
    await plane.press('ArrowRight');
    await decoded.waitFor();
    const first = await pixels();
    const box = await plane.boundingBox();
    if (!box) throw new Error('the plane has no box');
    await page.mouse.move(box.x + 0.5 * box.width, box.y + 0.5 * box.height);
    await page.mouse.down();
    await page.mouse.move(box.x + 0.25 * box.width, box.y + 0.3 * box.height, { steps: 12 });
    await page.mouse.up();
    await expect.poll(pixels).not.toBe(first);
    // No two places are asked for at once, and the last one is what is decoded in the end.
    const asked = () => {
      const last = new URLSearchParams(decodings.asked.at(-1));
      return ['x', 'y'].map((name) => Number(last.get(name)).toFixed(2)).join(', ');
    };
    const shown = async () => (await decoded.getAttribute('data-at'))?.replaceAll('−', '-');
    await expect.poll(async () => (await shown()) === asked()).toBe(true);
    expect(decodings.mostAtOnce).toBe(1);
    for (
      let y = 0.3;
      y < 0.8 && (await page.getByAltText(/^Example \d+ of the test split$/).count()) === 0;
      y += 0.02
    ) {
      await page.mouse.move(box.x + 0.5 * box.width, box.y + y * box.height);
    }
    const example = page.getByAltText(/^Example \d+ of the test split$/);
    await expect.poll(() => example.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(28);
    await visitor.photograph('latent');
    expect(await visitor.barriers()).toEqual([]);
  });

  it('lists what happened, and its files to take away', async () => {
    await page.getByRole('link', { name: 'Events' }).click();
    await page.getByText('run-started').first().waitFor();
    await page.getByText(/epoch 1: test ELBO/).waitFor();
    await page.getByRole('link', { name: 'Files' }).click();
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'metrics.ndjson' }).click();
    expect((await download).suggestedFilename()).toContain('metrics.ndjson');
    await visitor.photograph('files');
  });

  it('is cancelled, after asking', async () => {
    await page.getByRole('button', { name: 'Cancel' }).click();
    const dialog = page.getByRole('dialog', { name: 'Cancel mnist-live?' });
    await dialog.waitFor();
    await visitor.photograph('cancel-dialog');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    // The focus is where it was before the question.
    await page.locator('button:focus').getByText('Cancel', { exact: true }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Let it go on' }).click();
    await page.locator('button:focus').getByText('Cancel', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Cancel the run' }).click();
    await page.getByText('The run is cancelled.').waitFor({ state: 'attached' });
    expect(await page.getByRole('button', { name: 'Pause' }).count()).toBe(0);
  });

  it('is run again with changes, completes, and is drawn beside the first', async () => {
    await page.getByRole('link', { name: 'Run again with changes' }).click();
    await page.getByLabel('Name').fill('mnist-again');
    await page.getByLabel('Epochs').fill('2');
    await page.getByLabel('Latent dimensions').fill('2');
    expect(JSON.parse(await page.getByLabel('The whole spec, as JSON').inputValue())).toMatchObject({
      name: 'mnist-again',
      training: { epochs: 2, globalBatchSize: 64 },
      model: { latentDim: 2 },
    });
    await page.getByRole('button', { name: 'Start the run' }).click();
    await page.getByRole('heading', { name: 'mnist-again' }).waitFor();
    await page.getByText('The run is completed.').waitFor({ state: 'attached', timeout: 60_000 });
    await page.getByText('Compare with other runs').click();
    await page.getByRole('checkbox', { name: /mnist-live/ }).check();
    await page
      .getByRole('figure')
      .filter({ hasText: 'ELBO' })
      .getByText(/^mnist-live-[0-9a-f]{8}/)
      .waitFor();
    await visitor.photograph('run-compared');
  });

  it('raised no error and asked no other server for anything', () => {
    expect(visitor.errors).toEqual([]);
    expect(visitor.elsewhere).toEqual([]);
  });
});

/** The places that the page asks to be decoded from now on, and how many of them at the same time. */
function watchDecodings(page: Page): { readonly asked: string[]; mostAtOnce: number } {
  const watched = { asked: [] as string[], mostAtOnce: 0 };
  const open = new Set<Request>();
  const isOne = (request: Request) => request.url().includes('/decode.png');
  page.on('request', (request) => {
    if (!isOne(request)) return;
    open.add(request);
    watched.asked.push(new URL(request.url()).search);
    watched.mostAtOnce = Math.max(watched.mostAtOnce, open.size);
  });
  page.on('requestfinished', (request) => open.delete(request));
  page.on('requestfailed', (request) => open.delete(request));
  return watched;
}
