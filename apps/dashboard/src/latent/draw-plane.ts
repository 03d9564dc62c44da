import type { LatentPlane } from '@elbo/protocol/cluster';
import { colour } from '../theme.js';
import type { PlaneView, Point } from './plane-view.js';

export const labelColours = 10;

/** The colour of the style sheet for a label. */
export function labelColour(label: number): string {
  return `label-${((label % labelColours) + labelColours) % labelColours}`;
}

export interface PlaneLook {
  readonly plane: LatentPlane;
  readonly view: PlaneView;
  /** Others are drawn faintly; null for all alike. */
  readonly highlighted: number | null;
  readonly hovered: number | null;
  /** What is decoded. */
  readonly pointer: Point | null;
}

export function drawPlane(context: CanvasRenderingContext2D, look: PlaneLook): void {
  const { view, pointer } = look;
  context.clearRect(0, 0, view.size, view.size);
  drawAxes(context, view);
  drawPoints(context, look);
  if (pointer) drawPointer(context, view, pointer);
}

/** Where each coordinate is zero: the middle of the prior. */
function drawAxes(context: CanvasRenderingContext2D, view: PlaneView): void {
  const zero = view.toCanvas({ x: 0, y: 0 });
  context.strokeStyle = colour('grid');
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(zero.x, 0);
  context.lineTo(zero.x, view.size);
  context.moveTo(0, zero.y);
  context.lineTo(view.size, zero.y);
  context.stroke();
}

function drawPoints(context: CanvasRenderingContext2D, { plane, view, highlighted, hovered }: PlaneLook): void {
  const colours = new Map<string, string>();
  const inkOf = (label: number | undefined) => {
    const name = label === undefined ? 'train' : labelColour(label);
    const known = colours.get(name) ?? colour(name);
    colours.set(name, known);
    return known;
  };
  const radius = plane.x.length > 2000 ? 2 : 3;
  for (const [index, x] of plane.x.entries()) {
    const label = plane.label?.[index];
    const at = view.toCanvas({ x, y: plane.y[index] as number });
    context.globalAlpha = highlighted === null || label === highlighted ? 0.8 : 0.08;
    context.fillStyle = inkOf(label);
    context.beginPath();
    context.arc(at.x, at.y, radius, 0, 2 * Math.PI);
    context.fill();
  }
  context.globalAlpha = 1;
  if (hovered === null) return;
  const at = view.toCanvas({ x: plane.x[hovered] as number, y: plane.y[hovered] as number });
  context.strokeStyle = colour('ink');
  context.lineWidth = 2;
  context.beginPath();
  context.arc(at.x, at.y, 6, 0, 2 * Math.PI);
  context.stroke();
}

function drawPointer(context: CanvasRenderingContext2D, view: PlaneView, pointer: Point): void {
  const { x, y } = view.toCanvas(pointer);
  const cross = () => {
    context.beginPath();
    context.moveTo(x - 11, y);
    context.lineTo(x + 11, y);
    context.moveTo(x, y - 11);
    context.lineTo(x, y + 11);
    context.stroke();
  };
  context.strokeStyle = colour('surface');
  context.lineWidth = 5;
  cross();
  context.strokeStyle = colour('ink');
  context.lineWidth = 2;
  cross();
}
