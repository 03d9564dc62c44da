import { nextTheme, themeChoice } from '../theme.js';
import { Icon } from './icons.js';

export function ThemeButton() {
  const words = { system: 'as the system', light: 'light', dark: 'dark' }[themeChoice.value];
  return (
    <button
      type="button"
      class="quiet icon-button"
      onClick={nextTheme}
      aria-label={`Colours: ${words}`}
      title={`Colours: ${words}`}
    >
      <Icon name={themeChoice.value} />
    </button>
  );
}
