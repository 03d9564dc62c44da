import { Handshake } from '@elbo/coordinator/handshake';
import { resolveRun } from '@elbo/coordinator/resolve-run';
import type { MemberHello } from '@elbo/protocol/messages';
import { runSpecSchema } from '@elbo/protocol/run-spec';
import { elboVersion } from '@elbo/protocol/version';
import { describe, expect, it } from 'vitest';

const facts = { hash: 'a'.repeat(64), dataDim: 2, examples: { train: 64, validation: 0, test: 0 } };
const runOf = (exact: boolean) =>
  resolveRun('run-1', runSpecSchema.parse({ dataset: { name: 'gaussian-mixture' }, exact }), facts);
const member = (workerId: string, cpu: string, engine = 'onnxruntime-node 1'): MemberHello => ({
  ...{ workerId, cpu, version: elboVersion, engines: { compiled: engine }, threads: 1, host: 'host', pid: 1 },
});
const build = { version: elboVersion, engine: 'onnxruntime-node 1', cpu: 'x64 old' };

describe('what computed a run before it was taken over or resumed', () => {
  it('is what an exact run goes on with, though the first worker is another', () => {
    const notices: string[] = [];
    const handshake = new Handshake(runOf(true), (_level, code) => notices.push(code), build);
    expect(handshake.refuses(member('new', 'x64 new'))).toMatch(
      /CPU type is 'x64 new', and that of what computed the run so far is 'x64 old', and the run is exact/,
    );
    expect(handshake.refuses(member('newer', 'x64 old', 'onnxruntime-node 2'))).toMatch(/engine is onnxruntime-node 2/);
    expect(handshake.refuses(member('same', 'x64 old'))).toBeNull();
    expect(notices).toEqual(['worker-refused', 'worker-refused']);
    expect(handshake.build).toEqual(build);
  });

  it('was another Elbo: nobody has its bits', () => {
    const handshake = new Handshake(runOf(true), () => {}, { ...build, version: '0.0.1' });
    expect(handshake.refuses(member('same', 'x64 old'))).toMatch(/that of what computed the run so far is 0\.0\.1/);
  });

  it('is what the first worker is when nothing is known of it, and a warning when the run is not exact', () => {
    const fresh = new Handshake(runOf(true), () => {}, null);
    expect(fresh.build).toBeNull();
    expect(fresh.refuses(member('first', 'x64 old'))).toBeNull();
    expect(fresh.build).toEqual(build);
    expect(fresh.refuses(member('second', 'x64 new'))).toMatch(/that of first is 'x64 old'/);

    const notices: string[] = [];
    const lax = new Handshake(runOf(false), (_level, code) => notices.push(code), build);
    expect(lax.refuses(member('new', 'x64 new'))).toBeNull();
    expect(notices).toEqual(['worker-differs']);
  });
});
