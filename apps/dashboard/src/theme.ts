import { computed, effect, signal } from '@preact/signals';

export type ThemeChoice = 'system' | 'light' | 'dark';
const choices: readonly ThemeChoice[] = ['system', 'light', 'dark'];
const key = 'elbo-theme';

const systemDark = matchMedia('(prefers-color-scheme: dark)');
const dark = signal(systemDark.matches);
systemDark.addEventListener('change', () => {
  dark.value = systemDark.matches;
});

export const themeChoice = signal<ThemeChoice>(
  choices.find((choice) => choice === localStorage.getItem(key)) ?? 'system',
);
export const theme = computed<'light' | 'dark'>(() =>
  themeChoice.value === 'system' ? (dark.value ? 'dark' : 'light') : themeChoice.value,
);

effect(() => {
  document.documentElement.dataset.theme = theme.value;
  localStorage.setItem(key, themeChoice.value);
});

export function nextTheme(): void {
  themeChoice.value = choices[(choices.indexOf(themeChoice.value) + 1) % choices.length] as ThemeChoice;
}

/** The value of a colour of the style sheet, for what is drawn on a canvas. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
