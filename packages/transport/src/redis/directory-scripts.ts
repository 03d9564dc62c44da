import { LuaScript } from './lua-script.js';

/*
 * The run directory's part of a run's record: fields spec, launch, state, wanted, submittedAt, startedAt, endedAt,
 * coordinator, queueing, progress, klPerDimension, error. What a conductor writes is fenced by its lease, as in
 * store-scripts.ts: minus the token that holds the lease, or false when none does, says that nothing was written.
 * Records of runs that are not over have no time to live while nobody conducts them; conductors renew it.
 */

/**
 * recordRun
 *   KEYS[1] record
 *   ARGV[1] spec (JSON), ARGV[2] launch (JSON), ARGV[3] time
 *   Returns 1, or 0 when the directory knows the run already.
 */
export const recordRun = new LuaScript(`
if redis.call('HSETNX', KEYS[1], 'state', 'queued') == 0 then
  return 0
end
redis.call('HSET', KEYS[1], 'spec', ARGV[1], 'launch', ARGV[2], 'submittedAt', ARGV[3], 'wanted', 'run', 'queueing', 0)
redis.call('PERSIST', KEYS[1])
return 1
`);

/**
 * beginRun
 *   KEYS[1] lease, KEYS[2] record, KEYS[3] tensors, KEYS[4] snapshot
 *   ARGV[1] token, ARGV[2] spec (JSON), ARGV[3] launch (JSON), ARGV[4] time, ARGV[5] coordinator,
 *   ARGV[6] time to live in ms
 *   Returns 'running', or the state of a run that nobody is to conduct: completed, cancelled or paused.
 */
export const beginRun = new LuaScript(`
local holder = redis.call('GET', KEYS[1])
if holder ~= ARGV[1] then
  return holder and -tonumber(holder)
end
local state = redis.call('HGET', KEYS[2], 'state')
local wanted = redis.call('HGET', KEYS[2], 'wanted')
if state == 'completed' or state == 'cancelled' then
  return state
end
if state == 'paused' or wanted == 'pause' then
  redis.call('HSET', KEYS[2], 'state', 'paused', 'wanted', 'run')
  redis.call('PERSIST', KEYS[2])
  return 'paused'
end
if wanted == 'cancel' then
  redis.call('HSET', KEYS[2], 'state', 'cancelled', 'wanted', 'run', 'endedAt', ARGV[4])
  redis.call('DEL', KEYS[3], KEYS[4])
  redis.call('PEXPIRE', KEYS[2], ARGV[6])
  return 'cancelled'
end
redis.call('HSETNX', KEYS[2], 'spec', ARGV[2])
redis.call('HSETNX', KEYS[2], 'launch', ARGV[3])
redis.call('HSETNX', KEYS[2], 'submittedAt', ARGV[4])
redis.call('HSETNX', KEYS[2], 'startedAt', ARGV[4])
redis.call('HSETNX', KEYS[2], 'queueing', 0)
redis.call('HSET', KEYS[2], 'state', 'running', 'wanted', 'run', 'coordinator', ARGV[5])
redis.call('HDEL', KEYS[2], 'endedAt', 'error')
redis.call('PEXPIRE', KEYS[2], ARGV[6])
return 'running'
`);

/**
 * recordEvents: appends to the run's stream under ids that count up from 1, and drops the oldest beyond its length
 *   KEYS[1] lease, KEYS[2] record, KEYS[3] events
 *   ARGV[1] token, ARGV[2] time to live in ms, ARGV[3] length kept, ARGV[4] progress (JSON),
 *   ARGV[5] klPerDimension (JSON) or empty, ARGV[6...] events (JSON)
 *   Returns 1, or 0 when the record is gone: Redis has restarted without its data.
 */
export const recordEvents = new LuaScript(`
local holder = redis.call('GET', KEYS[1])
if holder ~= ARGV[1] then
  return holder and -tonumber(holder)
end
if redis.call('HEXISTS', KEYS[2], 'state') == 0 then
  return 0
end
local last = redis.call('XREVRANGE', KEYS[3], '+', '-', 'COUNT', 1)[1]
local place = last and tonumber(string.match(last[1], '^%d+')) or 0
for i = 6, #ARGV do
  place = place + 1
  redis.call('XADD', KEYS[3], 'MAXLEN', ARGV[3], string.format('%.0f-0', place), 'event', ARGV[i])
end
redis.call('HSET', KEYS[2], 'progress', ARGV[4])
if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[2], 'klPerDimension', ARGV[5])
end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
redis.call('PEXPIRE', KEYS[3], ARGV[2])
return 1
`);

/**
 * settleRun: the snapshot of a cancelled run goes with it
 *   KEYS[1] lease, KEYS[2] record, KEYS[3] events, KEYS[4] tensors, KEYS[5] snapshot
 *   ARGV[1] token, ARGV[2] state, ARGV[3] time, ARGV[4] time to live in ms, ARGV[5] error (JSON) or empty,
 *   ARGV[6] length of the events kept of a run that is over
 *   Returns the state that it has now: what was wanted last decides between queued, paused and cancelled.
 */
export const settleRun = new LuaScript(`
local holder = redis.call('GET', KEYS[1])
if holder ~= ARGV[1] then
  return holder and -tonumber(holder)
end
local state = ARGV[2]
local wanted = redis.call('HGET', KEYS[2], 'wanted')
if state == 'queued' or state == 'paused' then
  state = wanted == 'pause' and 'paused' or wanted == 'cancel' and 'cancelled' or 'queued'
end
redis.call('HSET', KEYS[2], 'state', state, 'wanted', 'run')
redis.call('HDEL', KEYS[2], 'coordinator')
if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[2], 'error', ARGV[5])
end
if state == 'queued' or state == 'paused' then
  redis.call('PERSIST', KEYS[2])
  redis.call('PERSIST', KEYS[3])
  return state
end
if state == 'cancelled' then
  redis.call('DEL', KEYS[4], KEYS[5])
end
redis.call('HSET', KEYS[2], 'endedAt', ARGV[3])
redis.call('XTRIM', KEYS[3], 'MAXLEN', ARGV[6])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
redis.call('PEXPIRE', KEYS[3], ARGV[4])
return state
`);

/**
 * wantRun: what a conductor is to do, or, when nobody conducts the run, the new state itself
 *   KEYS[1] lease, KEYS[2] record, KEYS[3] events, KEYS[4] tensors, KEYS[5] snapshot
 *   ARGV[1] run, pause or cancel, ARGV[2] time, ARGV[3] time to live in ms
 *   Returns { verdict, state, queueing }, or false for a run that the directory does not know. The verdict: over (there
 *   is nothing left to do), told (its conductor is), enqueue (its job belongs into the queue), dequeue (out of it), or
 *   same. Queueing counts how often it was put back into the queue: a job of an earlier time may still be there.
 */
export const wantRun = new LuaScript(`
local state = redis.call('HGET', KEYS[2], 'state')
if not state then
  return false
end
local wanted = redis.call('HGET', KEYS[2], 'wanted')
local queueing = tonumber(redis.call('HGET', KEYS[2], 'queueing') or 0)
local conducted = redis.call('EXISTS', KEYS[1]) == 1
local function answer(verdict)
  return { verdict, state, queueing }
end
local function stop(reached)
  if conducted and state ~= 'paused' then
    redis.call('HSET', KEYS[2], 'wanted', ARGV[1])
    return answer('told')
  end
  state = reached
  redis.call('HSET', KEYS[2], 'state', state, 'wanted', 'run')
  redis.call('HDEL', KEYS[2], 'coordinator')
  return answer('dequeue')
end

if state == 'completed' then
  return answer('over')
end
if state == 'cancelled' or wanted == 'cancel' and conducted then
  return { ARGV[1] == 'cancel' and 'same' or 'over', ARGV[1] == 'cancel' and state or 'cancelled', queueing }
end
if ARGV[1] == 'run' then
  if state == 'running' or state == 'queued' then
    redis.call('HSET', KEYS[2], 'wanted', 'run')
    return answer(conducted and 'told' or 'enqueue')
  end
  state = 'queued'
  queueing = redis.call('HINCRBY', KEYS[2], 'queueing', 1)
  redis.call('HSET', KEYS[2], 'state', state, 'wanted', 'run')
  redis.call('HDEL', KEYS[2], 'endedAt', 'error')
  redis.call('PERSIST', KEYS[2])
  redis.call('PERSIST', KEYS[3])
  return answer('enqueue')
end
if state == 'failed' or state == 'interrupted' then
  return answer('over')
end
if ARGV[1] == 'pause' then
  if state == 'paused' then
    return answer('same')
  end
  local told = stop('paused')
  if state == 'paused' then
    redis.call('PERSIST', KEYS[2])
    redis.call('PERSIST', KEYS[3])
  end
  return told
end
local told = stop('cancelled')
if state == 'cancelled' then
  redis.call('HSET', KEYS[2], 'endedAt', ARGV[2])
  redis.call('DEL', KEYS[4], KEYS[5])
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
  redis.call('PEXPIRE', KEYS[3], ARGV[3])
end
return told
`);

/**
 * reportWorker
 *   KEYS[1] worker, KEYS[2] workers by when they were last heard of
 *   ARGV[1] worker id, ARGV[2] report (JSON), ARGV[3] time to live in ms
 */
export const reportWorker = new LuaScript(`
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
`);
