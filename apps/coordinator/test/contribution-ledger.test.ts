import { ContributionLedger } from '@elbo/coordinator/contribution-ledger';
import type { ContributionHeader, ShardJob } from '@elbo/protocol/messages';
import { describe, expect, it } from 'vitest';

const lease = 3;
const shards = 3;
const spare = 2;

function job(shard: number, step = 5, attempt = 0): ShardJob {
  return { kind: 'gradient', runId: 'run-1', lease, conductor: '', parameterVersion: step, shard, attempt, step };
}

function header(of: ShardJob, reconstructionLogProb = -1): ContributionHeader {
  const terms = { sampleCount: 2, reconstructionLogProb, klPerDimension: [0.5] };
  return { job: of, workerId: 'w', terms, computeMs: 1 };
}

function ledgerAt(step: number): ContributionLedger {
  const ledger = new ContributionLedger(
    lease,
    Array.from({ length: shards + spare }, () => new Float32Array(4)),
  );
  ledger.open(Array.from({ length: shards }, (_, shard) => job(shard, step)));
  return ledger;
}

function admitted(ledger: ContributionLedger, of: ShardJob): Float32Array {
  const admission = ledger.admit(of);
  if (!admission.admitted || !admission.buffer) throw new Error(`not admitted: ${JSON.stringify(admission)}`);
  return admission.buffer;
}

describe('the ledger of a round', () => {
  it('gives the contributions in shard order, whatever order they came in', async () => {
    const ledger = ledgerAt(5);
    for (const shard of [2, 0, 1]) ledger.contributed(header(job(shard), -shard), admitted(ledger, job(shard)));
    const contributions = await ledger.collect();
    expect(contributions.map(({ terms }) => terms.reconstructionLogProb)).toEqual([-0, -1, -2]);
  });

  it('is not complete while a shard is missing', async () => {
    const ledger = ledgerAt(5);
    ledger.contributed(header(job(0)), admitted(ledger, job(0)));
    ledger.contributed(header(job(1)), admitted(ledger, job(1)));
    const first = await Promise.race([ledger.collect().then(() => 'complete'), Promise.resolve('waiting')]);
    expect(first).toBe('waiting');
  });

  it('counts the first of two that were computed at the same time, and refuses the second as a duplicate', () => {
    const ledger = ledgerAt(5);
    const first = admitted(ledger, job(1));
    const second = admitted(ledger, job(1, 5, 1));
    expect(ledger.contributed(header(job(1, 5, 1), -2), second)).toEqual({ accepted: true });
    expect(ledger.contributed(header(job(1), -1), first)).toMatchObject({ accepted: false, reason: 'duplicate' });
    expect(ledger.admit(job(1))).toMatchObject({ admitted: false, reason: 'duplicate' });
    expect(ledger.refusals.get('duplicate')).toBe(2);
  });

  it.each([
    ['a step that is over', job(0, 4), 'wrong-step'],
    ['a step that has not begun', job(0, 6), 'wrong-step'],
    ['a shard that the step does not have', job(shards), 'unknown-shard'],
    ['a deposed coordinator', { ...job(0), lease: 2 }, 'deposed-lease'],
    ['an evaluation', { ...job(0), kind: 'evaluation', epoch: 1, split: 'test' } as ShardJob, 'wrong-step'],
  ])('refuses a contribution for %s', (_title, of, reason) => {
    expect(ledgerAt(5).admit(of)).toMatchObject({ admitted: false, reason });
  });

  it('names a step as progress does: counted from 1', () => {
    const ledger = ledgerAt(5);
    expect(ledger.admit(job(0, 4))).toMatchObject({ message: 'the run is not at step 5' });
    ledger.contributed(header(job(0)), admitted(ledger, job(0)));
    expect(ledger.admit(job(0))).toMatchObject({ message: 'shard 0 of step 6 is counted already' });
  });

  it('refuses one whose round ended while it was on its way, and has its buffer back', async () => {
    const ledger = ledgerAt(5);
    const late = admitted(ledger, job(0));
    for (let shard = 0; shard < shards; shard++) ledger.contributed(header(job(shard)), admitted(ledger, job(shard)));
    await ledger.collect();
    ledger.close();
    ledger.open(Array.from({ length: shards }, (_, shard) => job(shard, 6)));
    expect(ledger.contributed(header(job(0)), late)).toMatchObject({ accepted: false, reason: 'wrong-step' });
    const jobs = [job(0, 6), job(1, 6), job(2, 6), job(0, 6, 1), job(1, 6, 1)];
    const buffers = new Set(jobs.map((of) => admitted(ledger, of)));
    expect(buffers.size).toBe(shards + spare);
    expect(buffers.has(late)).toBe(true);
  });

  it('keeps a buffer for every shard that has none: duplicates cannot starve a step', () => {
    const ledger = ledgerAt(5);
    for (let i = 0; i < 1 + spare; i++) admitted(ledger, job(0, 5, i));
    expect(ledger.admit(job(0, 5, 9))).toMatchObject({ admitted: false, reason: 'duplicate' });
    admitted(ledger, job(1));
    admitted(ledger, job(2));
  });

  it('lends an abandoned shard a buffer again', () => {
    const ledger = ledgerAt(5);
    const buffer = admitted(ledger, job(2));
    ledger.abandoned(job(2), buffer);
    expect(ledger.awaits(job(2))).toBe(true);
    expect(admitted(ledger, job(2, 5, 1))).toBe(buffer);
  });
});
