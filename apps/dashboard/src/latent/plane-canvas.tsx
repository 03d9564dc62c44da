import type { LatentPlane } from '@elbo/protocol/cluster';
import type { Signal } from '@preact/signals';
import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { theme } from '../theme.js';
import { drawPlane } from './draw-plane.js';
import { PlaneView, type Point } from './plane-view.js';

interface PlaneCanvasProps {
  readonly plane: LatentPlane;
  readonly hovered: Signal<number | null>;
  readonly pointer: Signal<Point | null>;
  readonly highlighted: number | null;
}

const hoverPixels = 12;
/** Of the plane's width, for each press of an arrow key; with Shift a fifth of it. */
const keyStep = 0.025;
const arrows: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};

export function PlaneCanvas({ plane, hovered, pointer, highlighted }: PlaneCanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const size = useSignal(480);
  const view = useMemo(() => new PlaneView(plane, size.value), [plane, size.value]);
  const colours = theme.value;

  useEffect(() => {
    const element = canvas.current as HTMLCanvasElement;
    const observer = new ResizeObserver(() => {
      size.value = element.clientWidth || size.value;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [size]);

  // The theme decides the colours.
  useEffect(() => {
    const element = canvas.current as HTMLCanvasElement;
    const context = element.getContext('2d');
    if (!context) return;
    const density = Math.min(devicePixelRatio || 1, 3);
    element.width = Math.round(view.size * density);
    element.height = element.width;
    context.setTransform(density, 0, 0, density, 0, 0);
    drawPlane(context, { plane, view, highlighted, hovered: hovered.value, pointer: pointer.value });
  }, [plane, view, highlighted, hovered.value, pointer.value, colours]);

  const place = (event: PointerEvent): Point => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const onPointer = (event: PointerEvent) => {
    const at = place(event);
    hovered.value = view.nearest(plane, at, hoverPixels);
    if (event.buttons === 1) pointer.value = view.toPlane(at);
  };
  const onKey = (event: KeyboardEvent) => {
    const way = arrows[event.key];
    if (!way) return;
    event.preventDefault();
    const step = event.shiftKey ? keyStep / 5 : keyStep;
    pointer.value = view.moved(pointer.value ?? view.centre, way[0] * step, way[1] * step);
    hovered.value = view.nearest(plane, view.toCanvas(pointer.value), hoverPixels);
  };
  return (
    // biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: an application of its own: arrows move through it
    <canvas
      ref={canvas}
      class="plane-canvas"
      tabIndex={0}
      role="application"
      aria-roledescription="plane"
      aria-label="Latent plane. Arrow keys move through it and decode; Shift makes small steps."
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        onPointer(event);
      }}
      onPointerMove={onPointer}
      onPointerLeave={() => (hovered.value = null)}
      onKeyDown={onKey}
    />
  );
}
