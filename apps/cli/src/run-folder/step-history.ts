import type { ElboTerms, StepEvent } from '@elbo/protocol/events';

export type StepPoint = { readonly epoch: number } & ElboTerms;

const capacity = 512;

/**
 * The steps of a run of any length in fewer than 512 points: when they are full, neighbours are averaged in pairs,
 * and from then on twice as many steps make a point.
 */
export class StepHistory {
  points: StepPoint[] = [];
  private stepsPerPoint = 1;
  private pending: StepPoint[] = [];

  add(event: StepEvent, stepsPerEpoch: number): void {
    const { elbo, reconstructionLogProb, klDivergence } = event;
    this.pending.push({ epoch: event.step / stepsPerEpoch, elbo, reconstructionLogProb, klDivergence });
    if (this.pending.length < this.stepsPerPoint) return;
    this.points.push(mean(this.pending));
    this.pending = [];
    if (this.points.length < capacity) return;
    const halved: StepPoint[] = [];
    for (let i = 0; i + 1 < capacity; i += 2) halved.push(mean(this.points.slice(i, i + 2)));
    this.points = halved;
    this.stepsPerPoint *= 2;
  }
}

function mean(points: readonly StepPoint[]): StepPoint {
  const of = (term: keyof StepPoint): number => points.reduce((sum, point) => sum + point[term], 0) / points.length;
  return {
    epoch: of('epoch'),
    elbo: of('elbo'),
    reconstructionLogProb: of('reconstructionLogProb'),
    klDivergence: of('klDivergence'),
  };
}
