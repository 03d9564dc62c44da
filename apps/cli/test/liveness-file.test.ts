import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepLivenessFile } from '@elbo/cli/launch/liveness-file';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

describe('the liveness file', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'elbo-alive-'));
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  });
  afterEach(async () => {
    vi.useRealTimers();
    await rm(folder, { recursive: true });
  });

  it('is there at once, is written again every five seconds, and goes away in the end', async () => {
    const path = join(folder, 'alive');
    const forget = keepLivenessFile(path);
    expect(readFileSync(path, 'utf8')).toBe(`${process.pid}\n`);
    await rm(path);
    vi.advanceTimersByTime(5000);
    expect(existsSync(path)).toBe(true);
    forget();
    expect(existsSync(path)).toBe(false);
    vi.advanceTimersByTime(60_000);
    expect(existsSync(path)).toBe(false);
  });

  it('does not end the process when it cannot be written for a while', async () => {
    const path = join(folder, 'later', 'alive');
    expect(() => keepLivenessFile(path)).toThrow(`--liveness-file: ${path} cannot be written`);
    const forget = keepLivenessFile(join(folder, 'alive'));
    await rm(folder, { recursive: true });
    expect(() => vi.advanceTimersByTime(20_000)).not.toThrow();
    forget();
    folder = await mkdtemp(join(tmpdir(), 'elbo-alive-'));
  });
});
