/*
 * Chaos as a command: `node tests/chaos/run.mjs --minutes 5 --seed 1 [--json]`. Trains MNIST on a cluster of real
 * processes twice, undisturbed and under a schedule of faults that is drawn from the seed, and compares the two.
 * Progress goes to standard error. Exit code 1 when the bits differ, the run failed, something was lost, or fewer
 * faults happened than were planned.
 */
import { parseArgs } from 'node:util';
import { runChaos } from './chaos.mjs';
import { Processes } from './processes.mjs';
import { printReport } from './report.mjs';

const { minutes, seed, json } = readOptions();
const processes = new Processes();
const began = performance.now();
const say = (line) =>
  process.stderr.write(`${((performance.now() - began) / 1000).toFixed(1).padStart(7)} s  ${line}\n`);

for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1],
]) {
  process.once(signal, async () => {
    say(`${signal}: ending every process`);
    await processes.close();
    process.exit(128 + number);
  });
}

try {
  const report = await runChaos(processes, { minutes, seed, say });
  printReport(report, json);
  if (report.checks.some(({ passed }) => !passed)) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`chaos: ${error.stack}\nprocesses:\n${processes.describe()}\n`);
  if (!json) console.log('0 passed, 1 failed');
  process.exitCode = 1;
} finally {
  await processes.close();
}
process.exit();

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: 'string', default: '5' },
        seed: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false },
      },
    });
    const options = { minutes: Number(values.minutes), seed: Number(values.seed), json: values.json };
    if (options.minutes >= 0.75 && options.minutes <= 1440 && options.seed >>> 0 === options.seed) return options;
  } catch {} // an option that there is not: the same answer
  process.stderr.write('usage: npm run chaos -- --minutes <from 0.75 on> --seed <a whole number> [--json]\n');
  process.exit(2);
}
