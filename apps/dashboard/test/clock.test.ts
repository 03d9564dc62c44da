import { expect, it } from 'vitest';
import { readClock, serverTime } from '../src/api/clock.js';

it('the clock is the one of the server when the two differ by more than an answer takes', () => {
  const here = Date.parse('2026-05-07T12:00:00.900Z');
  readClock(new Date(here).toUTCString(), here);
  expect(serverTime(here)).toBe(here);
  for (const minutes of [-5, 60]) {
    const there = here + 60_000 * minutes;
    readClock(new Date(there).toUTCString(), here);
    expect(Math.abs(serverTime(here) - there)).toBeLessThan(1000);
    const before = serverTime(here);
    readClock(new Date(there + 1000).toUTCString(), here);
    expect(serverTime(here)).toBe(before);
  }
  const before = serverTime(here);
  readClock(null, here);
  readClock('no time', here);
  expect(serverTime(here)).toBe(before);
});
