import { nats } from '../format/format.js';

const width = 96;
const height = 26;
const margin = 3;

/** The points of a small curve over its whole range; null of fewer than two. */
export function sparklinePath(values: readonly number[]): string | null {
  if (values.length < 2) return null;
  const low = Math.min(...values);
  const range = Math.max(...values) - low || 1;
  const x = (index: number) => margin + (index / (values.length - 1)) * (width - 2 * margin);
  const y = (value: number) => height - margin - ((value - low) / range) * (height - 2 * margin);
  return values.map((value, index) => `${index ? 'L' : 'M'}${x(index).toFixed(1)} ${y(value).toFixed(1)}`).join('');
}

export function Sparkline({ values }: { readonly values: readonly number[] }) {
  const path = sparklinePath(values);
  if (path === null) return <span class="sparkline-none muted">–</span>;
  const label = `ELBO from ${nats(values[0] as number)} to ${nats(values.at(-1) as number)}`;
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
      role="img"
      aria-label={label}
    >
      <path d={path} />
    </svg>
  );
}
