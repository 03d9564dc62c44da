import type { ShardJob } from '@elbo/protocol/messages';
import type { RunChannel } from '@elbo/transport/conductor-transport';
import { RedisFullError } from '@elbo/transport/errors';
import { ChannelAround } from './channel-around.js';
import type { Notice } from './notice.js';

const againMs = 250;
const attempts = 240;

/** A channel whose jobs wait, for a minute at most, while Redis is full; what is there already is not added twice. */
export class PatientChannel extends ChannelAround {
  #waiting = false;

  constructor(
    channel: RunChannel,
    private readonly notice: Notice,
  ) {
    super(channel);
  }

  override async dispatch(jobs: readonly ShardJob[]): Promise<void> {
    const { channel, notice } = this;
    for (let attempt = 1; ; attempt++) {
      try {
        await channel.dispatch(jobs);
        if (this.#waiting) notice('info', 'redis-has-room', 'Redis has room again: the run goes on');
        this.#waiting = false;
        return;
      } catch (error) {
        if (!(error instanceof RedisFullError) || attempt === attempts) throw error;
        const said = `${error.message}. The run waits for a minute, then it fails`;
        if (!this.#waiting) notice('warning', 'redis-full', said);
        this.#waiting = true;
        await new Promise((resolve) => setTimeout(resolve, againMs));
      }
    }
  }
}
