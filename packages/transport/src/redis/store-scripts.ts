import { LuaScript } from './lua-script.js';

/*
 * The fenced writes of a run. The lease key holds the token of the coordinator that conducts the run and expires by
 * itself; the record hash holds the fence (the last token given out) and the run's record. Each script looks at the
 * lease and writes in one step, so that a deposed coordinator cannot write between the two.
 */

/**
 * acquireLease
 *   KEYS[1] lease, KEYS[2] record
 *   ARGV[1] lease time to live in ms, ARGV[2] record time to live in ms
 *   Returns the new token, or 0 when another holds the lease.
 */
export const acquireLease = new LuaScript(`
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
local token = redis.call('HINCRBY', KEYS[2], 'fence', 1)
redis.call('PEXPIRE', KEYS[2], ARGV[2])
redis.call('SET', KEYS[1], token, 'PX', ARGV[1])
return token
`);

/**
 * renewLease
 *   KEYS[1] lease, KEYS[2] record
 *   ARGV[1] token, ARGV[2] lease time to live in ms, ARGV[3] record time to live in ms
 *   Returns 1, for a lease that ran out too when its token is the last that was given out: nobody has conducted the
 *   run since. So it is when Redis has forgotten the fence as well (it restarted without its data): the fence is set
 *   again. When the lease is lost: minus the token that holds it, and false when none does.
 */
export const renewLease = new LuaScript(`
local holder = redis.call('GET', KEYS[1])
local fence = redis.call('HGET', KEYS[2], 'fence')
local unclaimed = not holder and (not fence or fence == ARGV[1])
if holder ~= ARGV[1] and not unclaimed then
  return holder and -tonumber(holder)
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('HSET', KEYS[2], 'fence', ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
`);

/**
 * releaseLease
 *   KEYS[1] lease
 *   ARGV[1] token
 *   Returns 1, or 0 when the lease was another's or nobody's already.
 */
export const releaseLease = new LuaScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('DEL', KEYS[1])
`);

/**
 * commitSnapshot: makes the tensors uploaded under a key of the lease's own the snapshot of the run
 *   KEYS[1] lease, KEYS[2] uploaded tensors, KEYS[3] tensors, KEYS[4] snapshot
 *   ARGV[1] token, ARGV[2] step, ARGV[3] meta, ARGV[4] CRC-32 of the tensors, ARGV[5] their length in bytes
 *   Returns 1; 0 when the upload is gone; or, when the lease is lost, minus the token that holds it, and false when
 *   none does. The upload is removed in each case.
 */
export const commitSnapshot = new LuaScript(`
local holder = redis.call('GET', KEYS[1])
if holder ~= ARGV[1] then
  redis.call('DEL', KEYS[2])
  return holder and -tonumber(holder)
end
if redis.call('STRLEN', KEYS[2]) ~= tonumber(ARGV[5]) then
  redis.call('DEL', KEYS[2])
  return 0
end
redis.call('RENAME', KEYS[2], KEYS[3])
redis.call('PERSIST', KEYS[3])
redis.call('PERSIST', KEYS[4])
redis.call('HSET', KEYS[4], 'step', ARGV[2], 'meta', ARGV[3], 'crc32', ARGV[4], 'bytes', ARGV[5], 'lease', ARGV[1])
return 1
`);

/**
 * deleteSnapshot
 *   KEYS[1] lease, KEYS[2] tensors, KEYS[3] snapshot
 *   ARGV[1] token
 *   Returns 1; or, when the lease is lost, minus the token that holds it, and false when none does.
 */
export const deleteSnapshot = new LuaScript(`
local holder = redis.call('GET', KEYS[1])
if holder ~= ARGV[1] then
  return holder and -tonumber(holder)
end
redis.call('DEL', KEYS[2], KEYS[3])
return 1
`);

/**
 * expireSnapshot
 *   KEYS[1] lease, KEYS[2] tensors, KEYS[3] snapshot
 *   ARGV[1] token, ARGV[2] time to live in ms
 *   Returns 1; or, when the lease is lost, minus the token that holds it, and false when none does.
 */
export const expireSnapshot = new LuaScript(`
local holder = redis.call('GET', KEYS[1])
if holder ~= ARGV[1] then
  return holder and -tonumber(holder)
end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
redis.call('PEXPIRE', KEYS[3], ARGV[2])
return 1
`);

/**
 * saveRecord
 *   KEYS[1] lease, KEYS[2] record
 *   ARGV[1] token, ARGV[2] record (JSON), ARGV[3] record time to live in ms
 *   Returns 1; or, when the lease is lost, minus the token that holds it, and false when none does.
 */
export const saveRecord = new LuaScript(`
local holder = redis.call('GET', KEYS[1])
if holder ~= ARGV[1] then
  return holder and -tonumber(holder)
end
redis.call('HSET', KEYS[2], 'record', ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
`);
