import { describe, expect, it } from 'vitest';
import { hello, newMemory, sameBits } from '../fixtures.js';
import { parameters, type Stage } from './stage.js';

export function describeParameters(stage: Stage): void {
  describe('parameters', () => {
    it('are waited for until their version is published', async () => {
      const worker = await stage.bed.worker();
      const membership = await worker.join(stage.job(1, 0), hello('a'), newMemory);
      const coming = membership.parametersFor(1);
      stage.channel.publish(0, parameters);
      await membership.parametersFor(0);
      stage.channel.publish(
        1,
        parameters.map((value) => value + 1),
      );
      expect((await coming)[5]).toBe(Math.fround(Math.fround(Math.sin(5)) + 1));
    });

    it('of a version that the conductor has left behind are refused', async () => {
      const worker = await stage.bed.worker();
      const membership = await worker.join(stage.job(5, 0), hello('a'), newMemory);
      const overtaken = membership.parametersFor(4);
      const refused = expect(overtaken).rejects.toMatchObject({ code: 'STALE_VERSION', wanted: 4, current: 5 });
      stage.channel.publish(5, parameters);
      await refused;
      await membership.parametersFor(5);
      await expect(membership.parametersFor(3)).rejects.toMatchObject({ code: 'STALE_VERSION' });
    });

    it('reach a worker that joins after they were published', async () => {
      stage.channel.publish(7, parameters);
      const worker = await stage.bed.worker();
      const membership = await worker.join(stage.job(7, 0), hello('late'), newMemory);
      expect(sameBits(await membership.parametersFor(7), parameters)).toBe(true);
    });
  });
}
