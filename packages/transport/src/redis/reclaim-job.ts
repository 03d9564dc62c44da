import type { Redis } from 'ioredis';
import { LuaScript } from './lua-script.js';

/**
 * reclaimJob
 *   KEYS[1] the job, KEYS[2] its lock, KEYS[3] active, KEYS[4] wait, KEYS[5] delayed, KEYS[6] prioritized, KEYS[7] stalled
 *   ARGV[1] job id, ARGV[2] lock token, ARGV[3] lock duration in ms
 *   Takes a job whose lock ran out back to the one who works on it, wherever the queue has put it meanwhile.
 *   Returns 1; 0 when another has its lock; -1 when Redis has forgotten the job.
 */
const reclaim = new LuaScript(`
if redis.call('EXISTS', KEYS[1]) == 0 then
  return -1
end
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[2] then
  return 0
end
redis.call('LREM', KEYS[3], 0, ARGV[1])
redis.call('LREM', KEYS[4], 0, ARGV[1])
redis.call('ZREM', KEYS[5], ARGV[1])
redis.call('ZREM', KEYS[6], ARGV[1])
redis.call('LPUSH', KEYS[3], ARGV[1])
redis.call('SREM', KEYS[7], ARGV[1])
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return 1
`);

const answers = { '1': 'reclaimed', '0': 'taken', '-1': 'forgotten' } as const;
export type Reclaimed = (typeof answers)[keyof typeof answers];

export interface LostJob {
  readonly id: string;
  /** With which its lock was taken. */
  readonly token: string;
}

/**
 * A lock runs out while Redis is away, or its holder is held up. The work goes on: the job is its holder's again, unless
 * another has taken it.
 * @param base The prefix of the queue's keys.
 */
export async function reclaimJob(client: Redis, base: string, { id, token }: LostJob, ms: number): Promise<Reclaimed> {
  const lists = ['active', 'wait', 'delayed', 'prioritized', 'stalled'].map((name) => `${base}:${name}`);
  const answer = await reclaim.run(client, [`${base}:${id}`, `${base}:${id}:lock`, ...lists], [id, token, ms]);
  return answers[String(answer) as keyof typeof answers];
}
