import { chooseRenderer } from '@elbo/cli/progress/choose-renderer';
import { duration } from '@elbo/cli/progress/format';
import { JsonLines } from '@elbo/cli/progress/json-lines';
import { LinesOfRuns } from '@elbo/cli/progress/lines-of-runs';
import { LiveTerminal } from '@elbo/cli/progress/live-terminal';
import { LogLines } from '@elbo/cli/progress/log-lines';
import { PlainLines } from '@elbo/cli/progress/plain-lines';
import { CompactCurve, sparkline } from '@elbo/cli/progress/sparkline';
import { styleFor } from '@elbo/cli/progress/style';
import { type RunEvent, runEventSchema } from '@elbo/protocol/events';
import { describe, expect, it } from 'vitest';
import { recordedRun, sha256 } from '../recorded-run.js';
import { ScreenModel } from './screen-model.js';

class Recorder {
  text = '';
  writes = 0;
  constructor(readonly columns?: number) {}
  write(text: string): void {
    this.text += text;
    this.writes++;
  }
}

describe('--json', () => {
  it('prints every event as a line that its schema takes, and nothing else', () => {
    const output = new Recorder();
    const sink = new JsonLines(output);
    for (const event of recordedRun) sink.handle(event);
    sink.close();
    const lines = output.text.trimEnd().split('\n');
    expect(lines.map((line) => runEventSchema.parse(JSON.parse(line)))).toEqual(recordedRun);
  });
});

describe('the lines of a coordinator', () => {
  it('are those of each of its runs, behind its id, whatever the others do', () => {
    const alone = new Recorder();
    const together = new Recorder();
    const sinks = { alone: new PlainLines(alone), together: new LinesOfRuns(together) };
    for (const event of recordedRun) {
      sinks.alone.handle(event);
      sinks.together.handle(event);
      if (event.event !== 'epoch') continue;
      const other = { ...event, runId: 'other-1', epoch: 40 };
      sinks.together.handle(other);
    }
    const lines = together.text.split('\n');
    const [{ runId }] = recordedRun as [RunEvent];
    const own = lines.filter((line) => line.startsWith(`${runId}  `)).map((line) => line.slice(runId.length + 2));
    expect(own).toEqual(alone.text.trimEnd().split('\n'));
    expect(lines.filter((line) => line.startsWith('other-1  epoch 40  '))).toHaveLength(2);
  });
});

describe('plain lines', () => {
  const output = new Recorder();
  const sink = new PlainLines(output);
  for (const event of recordedRun) sink.handle(event);
  const lines = output.text.split('\n');

  it('begin with the engine, the threads, the seed, the transport and why', () => {
    expect(lines[0]).toBe('mnist: engine compiled, 2 threads, seed 7; embedded: no --redis was given');
  });

  it('have one line for each epoch and one every five seconds between', () => {
    expect(lines.filter((line) => line.startsWith('epoch'))).toEqual([
      'epoch 1/2  train −120.00  test −110.00 (reconstruction −90.00, KL 20.00)  26,120 images/s  5.0 s',
      'epoch 2/2  train −60.00  test −55.00 (reconstruction −45.00, KL 10.00)  26,120 images/s  5.0 s',
    ]);
    expect(lines.filter((line) => line.startsWith('  step'))).toEqual([
      expect.stringMatching(/^ {2}step 50\/100 {2}ELBO −1\d\d\.\d\d \(.*\) {2}12,800 images\/s {2}5\.0 s left$/),
      expect.stringMatching(/^ {2}step 100\/100 .* 0\.0 s left$/),
    ]);
  });

  it('end with the checksum and the run folder', () => {
    expect(lines.slice(-4)).toEqual([
      'done after step 100 in 10 s, 12,800 images/s',
      `parameters sha256 ${sha256}`,
      'run folder /data/runs/mnist-00c0ffee',
      '',
    ]);
  });

  it('carry no control characters, wherever they come from', () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
    expect(output.text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    expect(output.text).toContain('warning: worker 2 [2J is slow');
  });

  it('with --quiet are the warnings and the end', () => {
    const quiet = new Recorder();
    const sinkOfQuiet = new PlainLines(quiet, true);
    for (const event of recordedRun) sinkOfQuiet.handle(event);
    expect(quiet.text.trimEnd().split('\n')).toHaveLength(4);
  });
});

describe('the speed', () => {
  it('is in images where examples are images, and in examples else', () => {
    const ofPoints = recordedRun.map((event) => {
      return event.event === 'run-started' ? { ...event, exampleShape: [2] } : event;
    });
    for (const make of [
      (output: Recorder) => new PlainLines(output),
      (output: Recorder) => new LogLines(output),
      (output: Recorder) => new LiveTerminal(output, styleFor({ NO_COLOR: '1' }), () => 0),
    ]) {
      for (const [run, its, other] of [
        [recordedRun, 'images/s', 'examples/s'],
        [ofPoints, 'examples/s', 'images/s'],
      ] as const) {
        const output = new Recorder(100);
        const sink = make(output);
        for (const event of run) sink.handle(event);
        expect(output.text).toContain(`12,800 ${its}`);
        expect(output.text).toContain(`26,120 ${its}`);
        expect(output.text).not.toContain(other);
      }
    }
  });
});

describe('the live terminal', () => {
  /** Plays the run at its own pace on a screen of a width. */
  function play(width: number, environment: NodeJS.ProcessEnv = { NO_COLOR: '1' }, until = recordedRun.length) {
    const output = new Recorder(width);
    let now = 0;
    const sink = new LiveTerminal(output, styleFor(environment), () => now);
    for (const event of recordedRun.slice(0, until)) {
      now = event.time;
      sink.handle(event);
    }
    return { sink, output, screen: new ScreenModel(width).feed(output.text) };
  }

  it('shows epoch, step, speed, time left, the terms and a curve in two lines', () => {
    const { screen } = play(100, { NO_COLOR: '1' }, 42);
    expect(screen.rows.at(-2)).toBe('epoch 1/2  step 40/100  12,800 images/s  6.0 s left');
    expect(screen.rows.at(-1)).toMatch(
      /^ELBO −1\d\d\.\d\d {2}reconstruction −\d+\.\d\d {2}KL 1\d\.\d\d {2}[▁▂▃▄▅▆▇█]{30,48}$/u,
    );
    expect(screen.rows).toHaveLength(4);
    expect(screen.cursorShown).toBe(false);
  });

  it('leaves what stays and nothing of what was redrawn', () => {
    const { screen } = play(100);
    expect(screen.rows).toEqual([
      'mnist: engine compiled, 2 threads, seed 7; embedded: no --redis was given',
      expect.stringMatching(/^652,824 parameters; 6,400 training/),
      expect.stringMatching(/^epoch 1\/2/),
      'warning: worker 2 [2J is slow',
      expect.stringMatching(/^epoch 2\/2/),
      'done after step 100 in 10 s, 12,800 images/s',
      `parameters sha256 ${sha256}`,
      'run folder /data/runs/mnist-00c0ffee',
      '',
    ]);
    expect(screen.cursorShown).toBe(true);
    expect(screen.wraps).toBe(true);
  });

  it.each([1, 5, 12, 20, 40, 60, 80])('never draws past the edge of %i columns', (width) => {
    const { screen } = play(width, { NO_COLOR: '1' }, 60);
    expect(screen.longestUnwrapped).toBeLessThan(Math.max(2, width));
    expect(screen.rows.filter((row) => row.startsWith('ELBO'.slice(0, Math.max(1, width - 1))))).toHaveLength(1);
  });

  it('gives the cursor back when it is closed in the middle of a run', () => {
    const { sink, output } = play(80, {}, 30);
    sink.close();
    const screen = new ScreenModel(80).feed(output.text);
    expect(screen.cursorShown).toBe(true);
    expect(screen.wraps).toBe(true);
    expect(screen.rows.at(-1)).toBe('');
  });

  it('colours nothing when NO_COLOR is set', () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequence of colours
    const colours = /\x1b\[\d*m/;
    expect(play(80).output.text).not.toMatch(colours);
    expect(play(80, {}).output.text).toMatch(colours);
  });

  it('draws at most ten times a second, however fast the steps come', () => {
    const output = new Recorder(80);
    let now = 0;
    const sink = new LiveTerminal(output, styleFor({}), () => now);
    const [, started, step] = recordedRun as [RunEvent, RunEvent, RunEvent];
    sink.handle(started);
    const before = output.writes;
    for (now = 0; now < 1000; now++) sink.handle(step);
    expect(output.writes - before).toBeLessThanOrEqual(10);
    sink.close();
  });
});

describe('the renderer', () => {
  it('is live on a terminal only', () => {
    const terminal = { isTTY: true, columns: 80, write: () => true };
    const pipe = { write: () => true };
    expect(chooseRenderer({ json: false, quiet: false }, terminal, {})).toBeInstanceOf(LiveTerminal);
    expect(chooseRenderer({ json: false, quiet: false }, terminal, { TERM: 'dumb' })).toBeInstanceOf(PlainLines);
    expect(chooseRenderer({ json: false, quiet: false }, pipe, {})).toBeInstanceOf(PlainLines);
    expect(chooseRenderer({ json: true, quiet: false }, terminal, {})).toBeInstanceOf(JsonLines);
  });
});

describe('the small curve', () => {
  it('keeps its shape in a fixed number of points, however many values there are', () => {
    const curve = new CompactCurve(64);
    for (let i = 0; i < 100_000; i++) curve.add(i);
    expect(curve.points.length).toBeLessThan(64);
    expect(curve.points.every((value, i) => i === 0 || value > (curve.points[i - 1] as number))).toBe(true);
  });

  it('rises from the lowest block to the highest, and is flat for one value', () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8)).toMatch(/^▁.*█$/u);
    expect(sparkline([3, 3, 3], 8)).toBe('▁▁▁');
    expect(sparkline([], 8)).toBe('');
  });
});

describe('a duration', () => {
  it.each([
    [0.04, '0.0 s'],
    [9.96, '10 s'],
    [59.7, '1 min 00 s'],
    [3725, '1 h 02 min'],
  ])('of %f s reads %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });
});
