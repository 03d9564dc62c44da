import { signal } from '@preact/signals';

/** How curves are looked at: kept from run to run, until the page is left. */
export const smoothing = signal(0.9);
export const logSteps = signal(false);
export const logKl = signal(false);
export const withoutOutliers = signal(true);
/** Part of the steps that is shown, as [from, to]; null for all. */
export const zoom = signal<readonly [number, number] | null>(null);
/** Ids of runs drawn beside the one that is looked at. */
export const compared = signal<readonly string[]>([]);

export const maximumCompared = 4;
/** Colours of the style sheet for runs beside the one. */
export const comparedColours = ['compare-1', 'compare-2', 'compare-3', 'compare-4'] as const;
