import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { theme } from '../theme.js';
import { Legend, type LegendItem } from './legend.js';

/** Where the pointer or a zoom is, shared by the plots of a view. */
export interface PlotSync {
  readonly key: string;
  readonly zoom: { value: readonly [number, number] | null };
}

export interface PlotProps {
  readonly title: string;
  /** What the picture shows, for those who do not see it. */
  readonly summary: string;
  /** Made anew when `shape` changes; colours are read from the style sheet. */
  readonly options: () => Omit<uPlot.Options, 'width' | 'height'>;
  /** Names everything but the data: scales, series, colours. */
  readonly shape: string;
  readonly data: uPlot.AlignedData;
  readonly legend: readonly LegendItem[];
  /** What the legend reads, where it is not what is drawn. */
  readonly readings?: uPlot.AlignedData;
  readonly height?: number;
  readonly sync?: PlotSync;
}

/** A uPlot that keeps its zoom while data arrive, fits its box, follows the theme, and rests while nobody sees it. */
export function Plot({ title, summary, options, shape, data, legend, readings, height = 240, sync }: PlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(data);
  latest.current = data;
  const cursor = useSignal<number | null>(null);
  const colours = theme.value;

  // Shape and colours stand for the options.
  useEffect(() => {
    const element = box.current as HTMLDivElement;
    const created = new uPlot(
      { ...withSync(options(), sync, cursor), width: element.clientWidth || 300, height },
      latest.current,
      element,
    );
    plot.current = created;
    applyZoom(created, sync);
    const observer = new ResizeObserver(() => created.setSize({ width: element.clientWidth || 300, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      created.destroy();
      plot.current = null;
    };
  }, [shape, colours, height]);

  const { isSeen, whenSeen } = useSight(box);
  useEffect(() => {
    const draw = () => {
      plot.current?.setData(latest.current, !sync);
      if (plot.current) applyZoom(plot.current, sync);
    };
    whenSeen.current = isSeen.current ? null : draw;
    if (isSeen.current) draw();
  }, [data]);

  const zoom = sync?.zoom.value ?? null;
  // Only a changed zoom is to be applied.
  useEffect(() => {
    if (plot.current) applyZoom(plot.current, sync);
  }, [zoom]);

  return (
    <figure class="card plot">
      <figcaption>
        <h2>{title}</h2>
        <Legend items={legend} data={readings ?? data} cursor={cursor} />
      </figcaption>
      <div ref={box} class="plot-box" role="img" aria-label={summary} />
    </figure>
  );
}

/** Whether an element is in the window; what is left to do when it comes into it, or onto paper. */
function useSight(element: { readonly current: HTMLElement | null }) {
  const isSeen = useRef(true);
  const whenSeen = useRef<(() => void) | null>(null);
  useEffect(() => {
    const draw = () => {
      whenSeen.current?.();
      whenSeen.current = null;
    };
    const look = (entries: readonly IntersectionObserverEntry[]) => {
      isSeen.current = entries.at(-1)?.isIntersecting ?? true;
      if (isSeen.current) draw();
    };
    // Drawn a little before it comes into sight.
    const observer = new IntersectionObserver(look, { rootMargin: '400px' });
    if (element.current) observer.observe(element.current);
    addEventListener('beforeprint', draw);
    return () => {
      removeEventListener('beforeprint', draw);
      observer.disconnect();
    };
  }, [element]);
  return { isSeen, whenSeen };
}

function withSync(
  options: Omit<uPlot.Options, 'width' | 'height'>,
  sync: PlotSync | undefined,
  cursor: { value: number | null },
): Omit<uPlot.Options, 'width' | 'height'> {
  return {
    ...options,
    legend: { show: false },
    cursor: {
      ...options.cursor,
      points: { show: false },
      // The view zooms all its plots together.
      drag: { x: sync !== undefined, y: false, setScale: false },
      ...(sync && { sync: { key: sync.key } }),
      bind: {
        dblclick: () => () => {
          if (sync) sync.zoom.value = null;
          return null;
        },
      },
    },
    hooks: {
      setCursor: [
        (u) => {
          cursor.value = u.cursor.idx ?? null;
        },
      ],
      setSelect: [
        (u) => {
          const { left, width } = u.select;
          if (!sync || width < 4) return;
          sync.zoom.value = [u.posToVal(left, 'x'), u.posToVal(left + width, 'x')];
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
}

function applyZoom(plot: uPlot, sync: PlotSync | undefined): void {
  const positions = plot.data[0];
  if (!sync || positions.length === 0) return;
  const [min, max] = sync.zoom.value ?? [positions[0] as number, positions.at(-1) as number];
  // A scale of no length has no ticks, and uPlot would look for them for ever.
  plot.setScale('x', min < max ? { min, max } : { min: 0.9 * min, max: 1.1 * max + 0.1 });
}
