import { computed, signal } from '@preact/signals';
import { linkTo, type Route, readRoute } from './routes.js';

const fragment = signal(location.hash);
addEventListener('hashchange', () => {
  fragment.value = location.hash;
});

export const route = computed(() => readRoute(fragment.value));

export function go(to: Exclude<Route, { view: 'unknown' }>): void {
  location.hash = linkTo(to);
}
