const blocks = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/**
 * A curve of any length in at most `capacity` points: when it is full, neighbours are averaged in pairs, and from
 * then on twice as many values make a point.
 */
export class CompactCurve {
  readonly points: number[] = [];
  private valuesPerPoint = 1;
  private sum = 0;
  private pending = 0;

  constructor(private readonly capacity: number) {}

  add(value: number): void {
    this.sum += value;
    this.pending++;
    if (this.pending < this.valuesPerPoint) return;
    this.points.push(this.sum / this.pending);
    this.sum = 0;
    this.pending = 0;
    if (this.points.length >= this.capacity) this.halve();
  }

  private halve(): void {
    const half = Math.floor(this.points.length / 2);
    for (let i = 0; i < half; i++) {
      this.points[i] = ((this.points[2 * i] as number) + (this.points[2 * i + 1] as number)) / 2;
    }
    this.points.length = half;
    this.valuesPerPoint *= 2;
  }
}

/**
 * The points as a line of at most `width` block characters. The bottom is the value that a sixth of the points lie
 * below: the steep fall of the first steps would leave the rest flat.
 */
export function sparkline(points: readonly number[], width: number): string {
  if (points.length === 0 || width < 1) return '';
  const columns = Math.min(width, points.length);
  const values = Array.from({ length: columns }, (_, i) => {
    const from = Math.floor((i * points.length) / columns);
    const to = Math.max(from + 1, Math.floor(((i + 1) * points.length) / columns));
    let sum = 0;
    for (let j = from; j < to; j++) sum += points[j] as number;
    return sum / (to - from);
  });
  const sorted = [...values].sort((a, b) => a - b);
  const low = sorted[Math.floor(columns / 6)] as number;
  const span = (sorted.at(-1) as number) - low;
  return values
    .map((value) => {
      const level = span > 0 ? Math.round(((value - low) / span) * (blocks.length - 1)) : 0;
      return blocks[Math.min(Math.max(level, 0), blocks.length - 1)];
    })
    .join('');
}
