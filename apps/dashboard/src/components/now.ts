import { signal } from '@preact/signals';

/** Milliseconds since the Unix epoch, once a second while somebody looks. */
export const now = signal(Date.now());

setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 1000);
