import { WorkerWatch } from '@elbo/coordinator/worker-watch';
import type { MemberHello } from '@elbo/protocol/messages';
import type { RunChannel } from '@elbo/transport/conductor-transport';
import { expect, it } from 'vitest';

it('a run without a worker says so once after ten seconds, with what to do, and again when one has come', async () => {
  const members = new Map<string, MemberHello>();
  const channel = { address: 'http://10.0.0.1:7350', members } as unknown as RunChannel;
  let now = 0;
  const said: string[][] = [];
  let heard = () => {};
  const next = () => new Promise<void>((resolve) => (heard = resolve));
  const watch = new WorkerWatch(
    'run-1',
    channel,
    (...notice) => {
      said.push(notice);
      heard();
    },
    () => (now += 4000),
  );
  try {
    await next();
    expect(said).toEqual([
      ['warning', 'no-workers', expect.stringMatching(/no worker for 10 seconds.*10\.0\.0\.1:7350.*`elbo worker`/)],
    ]);
    members.set('worker-1', { workerId: 'worker-1', version: '', threads: 1, host: '', pid: 1 } as MemberHello);
    await next();
    expect(said[1]).toEqual(['info', 'worker-joined', expect.any(String)]);
    members.clear();
    await next();
    expect(said[2]?.[1]).toBe('no-workers');
  } finally {
    watch.stop();
  }
});
