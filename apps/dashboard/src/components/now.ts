import { signal } from '@preact/signals';
import { serverTime } from '../api/clock.js';

/** By the server's clock, milliseconds since the Unix epoch, once a second while somebody looks. */
export const now = signal(serverTime());

setInterval(() => {
  if (!document.hidden) now.value = serverTime();
}, 1000);
