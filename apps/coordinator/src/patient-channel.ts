import type { ShardJob } from '@elbo/protocol/messages';
import type { RunChannel } from '@elbo/transport/conductor-transport';
import { RedisFullError } from '@elbo/transport/errors';
import type { Notice } from './notice.js';

const againMs = 250;
const attempts = 240;

/** A channel whose jobs wait, for a minute at most, while Redis is full; what is there already is not added twice. */
export function patientChannel(channel: RunChannel, notice: Notice): RunChannel {
  let waiting = false;
  const dispatch = async (jobs: readonly ShardJob[]): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      try {
        await channel.dispatch(jobs);
        if (waiting) notice('info', 'redis-has-room', 'Redis has room again: the run goes on');
        waiting = false;
        return;
      } catch (error) {
        if (!(error instanceof RedisFullError) || attempt === attempts) throw error;
        if (!waiting) notice('warning', 'redis-full', `${error.message}. The run waits for a minute, then it fails`);
        waiting = true;
        await new Promise((resolve) => setTimeout(resolve, againMs));
      }
    }
  };
  return {
    dispatch,
    address: channel.address,
    members: channel.members,
    get wireBytes() {
      return channel.wireBytes;
    },
    assign: (workerId, job) => channel.assign(workerId, job),
    publish: (version, parameters) => channel.publish(version, parameters),
    close: () => channel.close(),
  };
}
