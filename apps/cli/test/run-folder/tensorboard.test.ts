import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readStepAndTags } from '@elbo/cli/run-folder/tensorboard/event-message';
import { crc32c, encodeRecord, readRecords } from '@elbo/cli/run-folder/tensorboard/records';
import { TensorboardLog } from '@elbo/cli/run-folder/tensorboard/tensorboard-log';
import type { EpochEvent, RunEvent, StepEvent } from '@elbo/protocol/events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ElboProcess } from '../../../../tests/support/elbo.js';
import { pythonWith, runPython } from '../../../../tests/support/python.js';
import { recordedRun } from '../recorded-run.js';
import { TrainedRuns } from '../trained-run.js';

let runs: TrainedRuns;
beforeAll(async () => {
  runs = await TrainedRuns.create();
});
afterAll(() => runs.remove());

const python = pythonWith('tensorboard');
const steps = recordedRun.filter((event): event is StepEvent => event.event === 'step');
const epochs = recordedRun.filter((event): event is EpochEvent => event.event === 'epoch');
const noFence = async () => {};

/** Every event with a summary in the files of a run folder, in order: its step and its first tag. */
async function eventsOf(folder: string): Promise<{ step: number; tag: string }[]> {
  const found = [];
  for (const name of (await readdir(join(folder, 'tensorboard'))).sort()) {
    expect(name).toMatch(/^events\.out\.tfevents\.\d{10}\./);
    for await (const { data } of readRecords(join(folder, 'tensorboard', name))) {
      const { step, tags } = readStepAndTags(data);
      if (tags[0] !== undefined) found.push({ step, tag: tags[0] });
    }
  }
  return found;
}
const stepsOf = async (folder: string, tag: string) =>
  (await eventsOf(folder)).filter((event) => event.tag === tag).map(({ step }) => step);

async function metricsOf(folder: string): Promise<RunEvent[]> {
  const text = await readFile(join(folder, 'metrics.ndjson'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** What TensorBoard itself makes of the files. */
const program = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={'scalars': 0, 'images': 0, 'histograms': 0})
events.Reload()
tags = events.Tags()
print(json.dumps({
    'scalars': {tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in tags['scalars']},
    'images': {tag: [[e.step, e.width, e.height, len(e.encoded_image_string)] for e in events.Images(tag)] for tag in tags['images']},
    'histograms': {tag: [[e.step, e.histogram_value.num, e.histogram_value.sum, sum(e.histogram_value.bucket)] for e in events.Histograms(tag)] for tag in tags['histograms']},
}))`;
interface Accumulated {
  readonly scalars: Readonly<Record<string, [step: number, value: number][]>>;
  readonly images: Readonly<Record<string, [step: number, width: number, height: number, bytes: number][]>>;
  readonly histograms: Readonly<Record<string, [step: number, num: number, sum: number, counted: number][]>>;
}

describe('a record', () => {
  it('has the checksum of the format', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  });

  it('is read back, and nothing of a torn or damaged one', async () => {
    const path = runs.path('records');
    const contents = [Buffer.alloc(0), Buffer.from('a'), Buffer.alloc(200_000, 7)];
    const whole = Buffer.concat(contents.map(encodeRecord));
    const read = async (bytes: Uint8Array) => {
      await writeFile(path, bytes);
      const found = [];
      for await (const { data, end } of readRecords(path)) found.push({ data: Buffer.from(data), end });
      return found;
    };
    const records = await read(whole);
    expect(records.map(({ data }) => data)).toEqual(contents);
    expect(records.at(-1)?.end).toBe(whole.length);
    expect((await read(whole.subarray(0, -1))).length).toBe(2);
    const damaged = Buffer.from(whole);
    damaged[16 + 12] = 0x62;
    expect((await read(damaged)).length).toBe(1);
  });
});

describe('the event files of a run that goes back', () => {
  it('have every step once, whichever step it goes back to', async () => {
    for (const [afterStep, epochReported] of [
      [70, true],
      [50, true],
      [50, false],
      [0, true],
    ] as const) {
      const folder = runs.path(`back-${afterStep}-${epochReported}`);
      const first = await TensorboardLog.open(folder, 100, 0, true, noFence, 0);
      for (const event of recordedRun) first.handle(event);
      await first.close();
      const again = await TensorboardLog.open(folder, 100, afterStep, epochReported, noFence, 0);
      // Who was deposed and does not know it yet writes to a file that nobody sees.
      for (const event of steps) if (event.step > afterStep) again.handle(event);
      for (const event of epochs) {
        if (event.step > afterStep || (event.step === afterStep && !epochReported)) again.handle(event);
      }
      await again.close();
      expect(await stepsOf(folder, 'elbo/batch')).toEqual(steps.map(({ step }) => step));
      expect((await stepsOf(folder, 'elbo/train')).sort((a, b) => a - b)).toEqual([50, 100]);
    }
  });

  it('are not changed by one who may not', async () => {
    const folder = runs.path('fenced');
    const first = await TensorboardLog.open(folder, 100, 0, true, noFence, 0);
    for (const event of recordedRun) first.handle(event);
    await first.close();
    const before = await eventsOf(folder);
    const lost = async () => Promise.reject(new Error('deposed'));
    await expect(TensorboardLog.open(folder, 100, 10, true, lost, 0)).rejects.toThrow('deposed');
    expect(await eventsOf(folder)).toEqual(before);
  });

  it('stay small in a long run: two thousand steps, evenly, the last among them', async () => {
    const folder = runs.path('long');
    const log = await TensorboardLog.open(folder, 9999, 0, true, noFence, 0);
    const [step] = steps;
    for (let i = 1; i <= 9999; i++) log.handle({ ...(step as StepEvent), step: i });
    await log.close();
    const written = await stepsOf(folder, 'elbo/batch');
    expect(written.length).toBeLessThanOrEqual(2001);
    expect(written.slice(0, 2)).toEqual([5, 10]);
    expect(written.at(-1)).toBe(9999);
  });
});

const digits = ['mnist', '--limit', '1280', '--hidden', '16', '--latent-dim', '3'];

describe('elbo train --tensorboard', () => {
  it('leaves event files, and nothing of the kind without the flag', async () => {
    const folder = await runs.train('with', ...digits, '--epochs', '2', '--tensorboard');
    expect(await stepsOf(folder, 'elbo/batch')).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(await stepsOf(folder, 'elbo/train')).toEqual([10, 20]);
    expect(await readFile(join(folder, 'README.md'), 'utf8')).toContain('| tensorboard/ |');
    expect(await readdir(await runs.train('without', ...digits, '--epochs', '1'))).not.toContain('tensorboard');
  });

  it.skipIf(!python)('is read by TensorBoard: the curves, the histograms and the pictures of the run', async () => {
    const folder = runs.path('runs', 'with');
    const read = runPython(python as string, program, join(folder, 'tensorboard')) as Accumulated;
    const metrics = await metricsOf(folder);
    const expected = metrics.filter((event) => event.event === 'step');
    const float = (value: number) => Math.fround(value);
    expect(read.scalars['elbo/batch']).toEqual(expected.map(({ step, elbo }) => [step, float(elbo)]));
    expect(read.scalars['optimization/gradient_norm']?.length).toBe(20);
    expect(read.scalars['speed/compute_ms']?.length).toBe(20);
    const epochEvents = metrics.filter((event) => event.event === 'epoch');
    expect(read.scalars['elbo/test']).toEqual(epochEvents.map(({ step, test }) => [step, float(test?.elbo ?? 0)]));
    const kl = epochEvents.map(({ step, klPerDimension }) => [step, klPerDimension.reduce((sum, each) => sum + each)]);
    const histograms = read.histograms['latent/kl_per_dimension'] ?? [];
    expect(histograms.map(([step, num, , counted]) => [step, num, counted])).toEqual([
      [10, 3, 3],
      [20, 3, 3],
    ]);
    for (const [i, [, , sum]] of histograms.entries()) expect(sum).toBeCloseTo(kl[i]?.[1] as number, 9);
    for (const kind of ['samples', 'reconstructions']) {
      const images = read.images[`pictures/${kind}`] ?? [];
      expect(images.map(([step, width, height]) => [step, width, height])).toEqual([
        [10, 578, 578],
        [20, 578, 578],
      ]);
      const [, , , bytes] = images[1] ?? [];
      expect(bytes).toBe((await readFile(join(folder, 'pictures', `epoch-0002-${kind}.png`))).length);
    }
  });

  it('goes on with them after a kill, and no step is there twice', async () => {
    const folder = runs.path('runs', 'killed');
    const long = [...digits, '--limit', '6400', '--epochs', '4', '--threads', '1'];
    const killed = new ElboProcess(['train', ...long, '--tensorboard', '--out', folder]);
    await killed.event((event) => event.event === 'step' && event.step >= 130);
    killed.child.kill('SIGKILL');
    await killed.result;
    const before = await stepsOf(folder, 'elbo/batch');
    const resumed = await new ElboProcess(['resume', folder]).result;
    expect(resumed.stderr).toBe('');
    expect(resumed.finished?.step).toBe(200);
    const all = Array.from({ length: 200 }, (_, i) => i + 1);
    expect(await stepsOf(folder, 'elbo/batch')).toEqual(all);
    expect(await stepsOf(folder, 'elbo/train')).toEqual([50, 100, 150, 200]);
    expect(await stepsOf(folder, 'pictures/samples')).toEqual([50, 100, 150, 200]);
    expect(before.length).toBeGreaterThan(0);
    if (!python) return;
    const read = runPython(python, program, join(folder, 'tensorboard')) as Accumulated;
    expect(read.scalars['elbo/batch']?.map(([step]) => step)).toEqual(all);
    expect(read.scalars['elbo/test']?.map(([step]) => step)).toEqual([50, 100, 150, 200]);
  });
});
