import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'chrome'];
const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The Chromium of PATH, else Debian's, installed where that is possible; null without one. */
const executable = findChromium() ?? installChromium();
export const browserForTests = executable !== null;

if (!browserForTests) {
  const message = 'NO CHROMIUM: put one on PATH, or run as root where apt-get can install it. The tests of the page';
  if (process.env.CI !== undefined) throw new Error(`${message} must run in CI.`);
  console.error(`\n*** ${message} are SKIPPED. ***\n`);
}

/** A browser with a profile of its own, which is gone when it is closed. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: executable ?? '', args: flags });
}

function findChromium(): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const candidates = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  return candidates.find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function installChromium(): string | null {
  if (process.getuid?.() !== 0) return null;
  const apt = (...args: string[]) =>
    spawnSync('apt-get', args, { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
      .status === 0;
  console.error('installing chromium with apt-get, for the tests of the page');
  return apt('update', '-qq') && apt('install', '-y', '-qq', '--no-install-recommends', 'chromium')
    ? findChromium()
    : null;
}
