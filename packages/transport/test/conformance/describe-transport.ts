import { afterEach, beforeEach, describe } from 'vitest';
import { describeMemberships } from './memberships.js';
import { describeParameters } from './parameters.js';
import { describeRunQueue } from './run-queue.js';
import { describeRunStore } from './run-store.js';
import { describeShardQueue } from './shard-queue.js';
import { describeShards } from './shards.js';
import { Stage, type TransportBed } from './stage.js';

/** What every transport must do. */
export function describeTransport(name: string, open: () => Promise<TransportBed>): void {
  describe(name, () => {
    const stage = new Stage();
    beforeEach(async () => stage.set(await open()));
    afterEach(() => stage.clear());
    describeShards(stage);
    describeParameters(stage);
    describeMemberships(stage);
    describeShardQueue(stage);
    describeRunQueue(stage);
    describeRunStore(stage);
  });
}
