/** Numbers, times and amounts as people read them. */

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** Nats with two decimals and a real minus sign; those of a run that explodes as −1.28e+11. */
export function nats(value: number): string {
  return (Math.abs(value) < 1e6 ? value.toFixed(2) : value.toExponential(2)).replace('-', '−');
}

/** 26120.4 -> 26,120 */
export function count(value: number): string {
  return grouped.format(Math.round(value)).replace('-', '−');
}

/** 950, 2k, 1.25k, 653k, 1.2M: three digits; 2.06e+10 when there are that many. */
export function short(value: number): string {
  const size = Math.abs(value);
  if (size < 999.5) return count(value);
  if (size >= 999.5e6) return Number(value.toPrecision(3)).toExponential().replace('-', '−');
  const [scaled, unit] = size < 999_500 ? [value / 1e3, 'k'] : [value / 1e6, 'M'];
  return `${Number(scaled.toPrecision(3))}${unit}`.replace('-', '−');
}

/** 4.2 s, 1 min 05 s, 2 h 10 min, 3 d 4 h */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '?';
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const pad = (n: number): string => String(n).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
  return `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`;
}

/** 512 B, 2.5 MB: powers of 1000. */
export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let scaled = value;
  let unit = 0;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit++;
  }
  return `${unit === 0 || scaled >= 99.5 ? scaled.toFixed(0) : scaled.toFixed(1)} ${units[unit]}`;
}

/** now, 12 s ago, 5 min ago, 3 h ago, 2 d ago */
export function ago(then: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - then) / 1000));
  if (seconds < 3) return 'now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** The time of day, with the day when it is another, and the year when that is another. */
export function moment(time: number, now: number): string {
  const date = new Date(time);
  const clock = date.toLocaleTimeString('en-GB');
  if (date.toDateString() === new Date(now).toDateString()) return clock;
  const year = date.getFullYear() === new Date(now).getFullYear() ? {} : { year: 'numeric' as const };
  return `${date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', ...year })} ${clock}`;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}
