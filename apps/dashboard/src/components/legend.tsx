import type { ReadonlySignal } from '@preact/signals';
import type uPlot from 'uplot';

export interface LegendItem {
  /** Of the data; none when there is nothing to read off. */
  readonly series?: number;
  readonly name: string;
  /** A colour of the style sheet. */
  readonly colour: string;
  readonly shape?: 'line' | 'dashes' | 'block' | 'dot';
  readonly format?: (value: number) => string;
}

interface LegendProps {
  readonly items: readonly LegendItem[];
  readonly data: uPlot.AlignedData;
  readonly cursor: ReadonlySignal<number | null>;
}

/** Names beside their colours, with the value below the pointer, else the newest. */
export function Legend({ items, data, cursor }: LegendProps) {
  return (
    <ul class="legend">
      {items.map((item) => (
        <li key={item.name}>
          <svg
            viewBox="0 0 18 10"
            class={`swatch swatch-${item.shape ?? 'line'} ink-${item.colour}`}
            aria-hidden="true"
          >
            {item.shape === 'block' ? <rect width="18" height="10" rx="2" /> : <path d="M1 5h16" />}
            {item.shape === 'dot' && <circle cx="9" cy="5" r="3.5" />}
          </svg>
          {item.name}
          {item.series !== undefined && <b>{valueAt(item, data[item.series], cursor.value)}</b>}
        </li>
      ))}
    </ul>
  );
}

function valueAt(item: LegendItem, values: uPlot.AlignedData[number] | undefined, at: number | null): string {
  if (!values || !item.format) return '';
  const value = at === null ? lastKnown(values, values.length - 1) : lastKnown(values, at);
  return value === null ? '' : item.format(value);
}

function lastKnown(values: uPlot.AlignedData[number], from: number): number | null {
  for (let index = Math.min(from, values.length - 1); index >= 0; index--) {
    const value = values[index];
    if (value !== null && value !== undefined) return value;
  }
  return null;
}
