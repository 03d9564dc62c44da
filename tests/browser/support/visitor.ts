import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { expect } from 'vitest';

const screenshots = fileURLToPath(new URL('../screenshots', import.meta.url));
mkdirSync(screenshots, { recursive: true });

/** Somebody who looks at the page, and notes what should not happen. */
export class Visitor {
  /** Errors of scripts and of the content security policy. */
  readonly errors: string[] = [];
  /** Addresses beyond the page's own. */
  readonly elsewhere: string[] = [];

  private constructor(
    readonly page: Page,
    private readonly origin: string,
  ) {
    page.on('pageerror', (error) => this.errors.push(error.stack ?? error.message));
    page.on('console', (message) => {
      // The browser's own line for an answer like 401, which is no error of the page.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
        this.errors.push(message.text());
      }
    });
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== origin) this.elsewhere.push(request.url());
    });
  }

  static async open(browser: Browser, origin: string, options: BrowserContextOptions = {}): Promise<Visitor> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    context.setDefaultTimeout(30_000);
    return new Visitor(await context.newPage(), origin);
  }

  async go(place = '#/'): Promise<void> {
    await this.page.goto(`${this.origin}/${place}`);
  }

  async signIn(token: string): Promise<void> {
    await this.go();
    await this.page.getByLabel('Token of the cluster').fill(token);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
  }

  /** Resolves when no picture is on its way. */
  async seesAllPictures(): Promise<void> {
    await expect.poll(() => this.page.evaluate(() => [...document.images].every((image) => image.complete))).toBe(true);
  }

  /** Of the whole page, into a folder that git ignores. */
  async photograph(name: string): Promise<void> {
    await this.page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
  }

  /** What axe calls serious or critical, as sentences. */
  async barriers(): Promise<string[]> {
    // Evaluated, not added as a script: the content security policy would refuse that.
    await this.page.evaluate(axe.source);
    const results = await this.page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run());
    return results.violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('; ')}`,
      );
  }

  /** Pixels that the page is wider than its window. */
  async overflow(): Promise<number> {
    return this.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  }

  /** As a browser tells a tab that another one is in front of it, or that it is in front again. */
  async looksAway(away: boolean): Promise<void> {
    await this.page.evaluate((hidden) => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
      document.dispatchEvent(new Event('visibilitychange'));
    }, away);
  }

  async leave(): Promise<void> {
    await this.page.context().close();
  }
}
