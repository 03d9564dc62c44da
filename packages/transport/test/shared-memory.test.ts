import fs, { readdirSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { SharedMemory } from '@elbo/transport/data-plane/shared-memory';
import { afterEach, expect, it, vi } from 'vitest';

afterEach(() => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
});

it.skipIf(process.platform !== 'linux')('shared memory that is full is none, and leaves no file open', () => {
  vi.spyOn(fs, 'writeSync').mockImplementation(() => {
    throw new Error('ENOSPC: no space left on device, write');
  });
  syncBuiltinESMExports();
  const open = () => readdirSync('/proc/self/fd').length;
  const before = open();
  for (let i = 0; i < 20; i++) expect(SharedMemory.create()).toBeNull();
  expect(open()).toBeLessThan(before + 10);
});
