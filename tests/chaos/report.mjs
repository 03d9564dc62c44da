import { cpus } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import { median } from './timeline.mjs';

const definition =
  'the time from the kill to the end of the second step after it, less what two steps (and an end of an epoch between them) take undisturbed';

/** What the figures of a chaos run come to. */
export function buildReport(result) {
  const { minutes, seed, othersCores, spec, faults, windows, undisturbed, chaos, refused, startCpuMs } = result;
  const { usual } = undisturbed.timeline;
  const happened = faults.filter(({ error }) => error === null);
  const recoveries = (kind, within = happened) =>
    summarise(
      within.filter((fault) => fault.kind === kind).flatMap(({ at }) => chaos.timeline.recoveryMs(at, usual) ?? []),
    );
  const kills = windows.filter(({ name }) => name === 'kills');
  const quiet = windows.filter(({ name }) => name === 'quiet');
  const alone = happened.filter(({ at }) => kills.some(({ from, to }) => at >= from && at < to));
  const rateIn = (some) => {
    const length = some.reduce((sum, { from, to }) => sum + to - from, 0);
    return imagesIn(some) / (length / 1000);
  };
  const imagesIn = (some) => some.reduce((sum, { from, to }) => sum + chaos.timeline.imagesIn(from, to), 0);
  const cpuIn = (some) => some.reduce((sum, { cpuFrom, cpuTo }) => sum + cpuTo - cpuFrom, 0);
  const perCpu = ({ timeline, cpuSeconds }) => timeline.images / cpuSeconds;
  return {
    machine: `${cpus()[0]?.model}, ${cpus().length} threads, Node ${process.version}`,
    othersCores,
    minutes,
    seed,
    epochs: spec.training.epochs,
    steps: chaos.timeline.progress,
    parametersSha256: chaos.timeline.finished.parametersSha256,
    faults: countBy(happened, ({ kind }) => kind),
    faultCount: happened.length,
    imagesPerSecond: {
      undisturbed: undisturbed.timeline.imagesPerSecond,
      everything: chaos.timeline.imagesPerSecond,
      killsOnly: rateIn(kills),
      quietBetweenKills: quiet.length > 0 ? rateIn(quiet) : null,
    },
    kept: {
      everything: chaos.timeline.imagesPerSecond / undisturbed.timeline.imagesPerSecond,
      killsOnly: rateIn(kills) / undisturbed.timeline.imagesPerSecond,
      killsOnlyAgainstQuietBetween: quiet.length > 0 ? rateIn(kills) / rateIn(quiet) : null,
    },
    keptForEachCpuSecond: {
      everything: perCpu(chaos) / perCpu(undisturbed),
      killsOnly: imagesIn(kills) / cpuIn(kills) / perCpu(undisturbed),
    },
    startCpuMs: summarise(startCpuMs),
    recoveryMs: {
      definition,
      medianStepMs: usual.stepMs,
      workerKillsOnly: recoveries('kill-worker', alone),
      workerKillsAll: recoveries('kill-worker'),
      coordinatorKills: recoveries('kill-coordinator'),
      redisRestarts: recoveries('restart-redis'),
    },
    stepsComputedAgain: chaos.timeline.repeated,
    refused: Object.fromEntries(refused),
    notices: Object.fromEntries(chaos.timeline.notices),
    checks: checksOf(result, happened),
  };
}

function checksOf({ minutes, schedule, faults, undisturbed, chaos, ...result }, happened) {
  const check = (what, passed, detail) => ({ what, passed, ...(passed ? {} : { detail }) });
  const [theirs, ours] = [undisturbed, chaos].map(({ timeline }) => timeline.finished.parametersSha256);
  const leastFaults = Math.floor(6 * minutes);
  return [
    check('the run completed', chaos.timeline.finished.outcome === 'completed', chaos.timeline.finished.outcome),
    check('the parameters have the bits of the undisturbed run', ours === theirs, `${ours} instead of ${theirs}`),
    check('two epochs embedded have the bits of two epochs on the cluster', result.sameAsEmbedded, 'they have others'),
    check(
      'every step and epoch is on record once, with the figures of the undisturbed run',
      isDeepStrictEqual(chaos.learning, undisturbed.learning),
      firstDifference(chaos.learning, undisturbed.learning),
    ),
    check(
      `all ${schedule.faults.length} planned faults happened`,
      happened.length === schedule.faults.length,
      `${happened.length} did. ${faults.flatMap(({ error }) => error ?? []).join('; ')}`,
    ),
    check(`at least ${leastFaults} faults happened`, happened.length >= leastFaults, `${happened.length} did`),
    check('no process ended that was not ended', result.lost.length === 0, result.lost.join('\n')),
    check(
      'every worker ended in order when it was asked to',
      result.undrained.length === 0,
      result.undrained.join('; '),
    ),
    check('Redis holds nothing but the records of runs', result.leftovers.length === 0, result.leftovers.join(', ')),
  ];
}

function firstDifference(ours, theirs) {
  const i = ours.findIndex((event, at) => !isDeepStrictEqual(event, theirs[at]));
  if (i < 0) return `${ours.length} records instead of ${theirs.length}`;
  return `record ${i} is ${JSON.stringify(ours[i])} instead of ${JSON.stringify(theirs[i])}`;
}

function countBy(items, keyOf) {
  const counts = {};
  for (const item of items) counts[keyOf(item)] = (counts[keyOf(item)] ?? 0) + 1;
  return counts;
}

function summarise(values) {
  if (values.length === 0) return null;
  return { count: values.length, median: median(values), worst: Math.max(...values) };
}

export function printReport(report, json) {
  const passed = report.checks.filter((check) => check.passed).length;
  if (json) {
    console.log(JSON.stringify(report));
    return;
  }
  const { imagesPerSecond: rate, kept, recoveryMs } = report;
  const percent = (part) => `${(100 * part).toFixed(1)} %`;
  const counts = (entries) =>
    Object.entries(entries)
      .map(([what, count]) => `${count} ${what}`)
      .join(', ') || 'none';
  const recovery = (name, summary) =>
    summary &&
    `  ${name}: median ${Math.round(summary.median)} ms, worst ${Math.round(summary.worst)} ms (${summary.count})`;
  const lines = [
    '',
    `chaos on ${report.machine}: ${report.steps} steps, seed ${report.seed}`,
    `before it, other processes kept ${report.othersCores.toFixed(1)} of ${cpus().length} cores busy: what they do in between is in these figures`,
    `faults survived: ${report.faultCount} (${counts(report.faults)})`,
    'throughput, images a second:',
    `  undisturbed ${Math.round(rate.undisturbed)}; with all faults ${Math.round(rate.everything)}: ${percent(kept.everything)} kept`,
    `  one worker of four killed every ten seconds ${Math.round(rate.killsOnly)}: ${percent(kept.killsOnly)} kept${rate.quietBetweenKills === null ? ' (over some seconds only: give it more minutes)' : ''}`,
    kept.killsOnlyAgainstQuietBetween &&
      `  the same against the quiet between, ${Math.round(rate.quietBetweenKills)}: ${percent(kept.killsOnlyAgainstQuietBetween)} kept`,
    `  for each second of CPU that the cluster got (others' work left out): ${percent(report.keptForEachCpuSecond.killsOnly)} kept with the kills, ${percent(report.keptForEachCpuSecond.everything)} with all faults`,
    report.startCpuMs &&
      `  a new worker takes ${(report.startCpuMs.median / 1000).toFixed(2)} s of a core until its first contribution: one every ten seconds is ${percent(report.startCpuMs.median / 10_000 / cpus().length)} of this machine`,
    `recovery: ${recoveryMs.definition}`,
    recovery('a worker killed, nothing else going on', recoveryMs.workerKillsOnly),
    recovery('a worker killed, all cases', recoveryMs.workerKillsAll),
    recovery('the conducting coordinator killed', recoveryMs.coordinatorKills),
    recovery('Redis restarted', recoveryMs.redisRestarts),
    `steps computed again after a take-over: ${report.stepsComputedAgain}`,
    `contributions refused: ${counts(report.refused)}`,
    ...Object.entries(report.notices).map(
      ([code, messages]) => `notice ${code}, ${messages.length} times: ${messages.at(-1)}`,
    ),
    '',
    ...report.checks.map(({ what, passed, detail }) => (passed ? `passed: ${what}` : `FAILED: ${what}: ${detail}`)),
    `${passed} passed, ${report.checks.length - passed} failed`,
  ];
  for (const line of lines) if (line !== null && line !== undefined) console.log(line);
}
