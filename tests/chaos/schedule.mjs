import { RandomStreams } from '@elbo/vae-core/random/streams';

/**
 * What is done to a run, and when: drawn from a seed alone.
 *
 * @typedef {'kill-worker' | 'stop-worker' | 'kill-coordinator' | 'stop-coordinator' | 'restart-redis' | 'add-worker' | 'remove-worker'
 *   | 'delay-delivery' | 'delay-contribution' | 'duplicate-delivery' | 'duplicate-contribution'} FaultKind
 * @typedef {object} Fault
 * @property {number} at Seconds from the run's first step.
 * @property {FaultKind} kind
 * @property {number} pick In [0, 1): which of those that it may happen to.
 * @property {number} ms How long it lasts, where that means something.
 * @typedef {{ readonly name: 'quiet' | 'kills' | 'everything', readonly from: number, readonly to: number }} Phase
 */

const killEvery = 10;
/** The shortest and the longest of each, milliseconds. */
const lengths = {
  'stop-worker': [500, 4000],
  'stop-coordinator': [6000, 9000],
  'restart-redis': [100, 1000],
  'delay-delivery': [200, 3000],
  'delay-contribution': [200, 3000],
};

/** @returns {{ readonly faults: readonly Fault[], readonly phases: readonly Phase[] }} faults in the order of time */
export function drawSchedule(seed, seconds) {
  const uniform = uniforms(seed);
  const faults = [];
  const add = (at, kind) => {
    const [shortest, longest] = lengths[kind] ?? [0, 0];
    faults.push({ at, kind, pick: uniform(), ms: Math.round(shortest + uniform() * (longest - shortest)) });
  };
  const spread = ({ from, to }, kind, count) => {
    for (let i = 0; i < count; i++) add(from + ((i + uniform()) / count) * (to - from), kind);
  };
  const phases = phasesOf(seconds);
  for (const { name, from, to } of phases) {
    if (name !== 'quiet') for (let at = from + 0.5; at <= to - killEvery / 2; at += killEvery) add(at, 'kill-worker');
  }
  const everything = phases.find(({ name }) => name === 'everything');
  const length = everything.to - everything.from;
  const grave = ['kill-coordinator', 'restart-redis', 'kill-coordinator'];
  if (length >= 12 * killEvery) grave.push('stop-coordinator');
  // Some seconds after the worker that is killed in every period, so that the two can be told apart.
  for (const [i, kind] of shuffled(grave, uniform).entries()) {
    const period = Math.floor(((i + 0.5) * length) / grave.length / killEvery);
    add(everything.from + period * killEvery + 3 + 2 * uniform(), kind);
  }
  spread(everything, 'stop-worker', atLeastOne(length / 17));
  const rare = atLeastOne(length / 30);
  for (const kind of ['delay-delivery', 'delay-contribution', 'duplicate-delivery', 'duplicate-contribution']) {
    spread(everything, kind, rare);
  }
  // Those that were added first are removed later, or others in their place.
  const third = length / 3;
  spread({ from: everything.from, to: everything.to - third }, 'add-worker', rare);
  spread({ from: everything.from + third, to: everything.to }, 'remove-worker', rare);
  return { faults: faults.sort((a, b) => a.at - b.at), phases };
}

/** Where there is time for it, quiet lies between kills: a machine's speed changes from one minute to the next. */
function phasesOf(seconds) {
  const end = (14 / 15) * seconds;
  if (seconds < 150) {
    const kills = { name: 'kills', from: seconds / 15, to: seconds / 15 + Math.max(10, seconds / 5) };
    return [kills, { name: 'everything', from: kills.to, to: end }];
  }
  const widths = [1, 2, 1, 2, 1];
  const phases = [];
  let from = 0;
  for (const [i, width] of widths.entries()) {
    const to = from + (width / 15) * seconds;
    phases.push({ name: i % 2 === 0 ? 'quiet' : 'kills', from, to });
    from = to;
  }
  return [...phases, { name: 'everything', from, to: end }];
}

/** Uniforms in [0, 1), one after another. */
function uniforms(seed) {
  const streams = new RandomStreams(seed);
  const out = new Float32Array(1);
  let drawn = 0;
  return () => {
    streams.fillUniform('sampling', 0, drawn++, 0, out, 0, 1);
    return out[0];
  };
}

function shuffled(items, uniform) {
  const left = [...items];
  return items.map(() => left.splice(Math.floor(uniform() * left.length), 1)[0]);
}

function atLeastOne(count) {
  return Math.max(1, Math.round(count));
}
