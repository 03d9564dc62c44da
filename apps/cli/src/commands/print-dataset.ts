import type { DatasetSummary } from '@elbo/datasets/catalog';
import { count } from '../progress/format.js';
import { textTable } from '../progress/table.js';
import { print } from './print.js';

/** Prints what is known of a data set. */
export function printDataset(dataset: DatasetSummary, json: boolean): void {
  if (json) {
    print(JSON.stringify(dataset));
    return;
  }
  print(
    textTable([
      ['name', dataset.name],
      ['kind', dataset.builtIn ? 'built in' : 'imported'],
      ['train examples', count(dataset.trainExamples)],
      ['test examples', count(dataset.testExamples)],
      ['an example', shapeOf(dataset)],
      ['labels', dataset.labelled ? 'yes' : 'no'],
      ['sha256', dataset.hash ?? 'known when it is drawn'],
      ['where', whereIs(dataset)],
    ]),
  );
}

export function shapeOf({ exampleShape, elementType }: DatasetSummary): string {
  return `${exampleShape.join(' x ')} ${elementType}`;
}

export function whereIs({ path, builtIn, hash }: DatasetSummary): string {
  if (path !== null) return path;
  return builtIn && hash === null ? 'drawn when it is used' : 'packed when it is first used';
}
