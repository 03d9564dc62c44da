import { computed, signal } from '@preact/signals';

/** How curves are looked at: kept from run to run, until the page is left. */
export const smoothing = signal(0.9);
export const logSteps = signal(false);
export const logKl = signal(false);
export const withoutOutliers = signal(true);
/** The newest step of the run that is looked at. */
export const lastStep = signal(1);
/** The last part of the steps that is shown, as a share of all, while they grow; null when it is no such part. */
export const followed = signal<number | null>(null);

const dragged = signal<readonly [number, number] | null>(null);
const range = computed(() => {
  if (followed.value === null) return dragged.value;
  return [Math.max(1, lastStep.value * (1 - followed.value)), lastStep.value] as const;
});
/** Part of the steps that is shown, as [from, to]; null for all. */
export const zoom = {
  get value(): readonly [number, number] | null {
    return range.value;
  },
  set value(part: readonly [number, number] | null) {
    followed.value = null;
    dragged.value = part;
  },
};

/** Ids of runs drawn beside the one that is looked at. */
export const compared = signal<readonly string[]>([]);

export const maximumCompared = 4;
/** Colours of the style sheet for runs beside the one. */
export const comparedColours = ['compare-1', 'compare-2', 'compare-3', 'compare-4'] as const;
