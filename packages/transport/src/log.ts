import type { ShardJob } from '@elbo/protocol/messages';
import { type Logger, pino } from 'pino';
import { TransportError } from './errors.js';

export type { Logger };

const levels = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'];
const secretFields = ['token', 'password', 'authorization', 'cookie'];
let standardError: ReturnType<typeof pino.destination> | null = null;
/** What the environment gives away of this process's secrets; others are added by keepSecret. */
const secrets = new Set<string>();

/** From now on no log of this process has this text in it. Short ones are no secrets, and would blot out words. */
export function keepSecret(secret: string | undefined): void {
  if (secret === undefined || secret.length < 8) return;
  secrets.add(secret);
  secrets.add(JSON.stringify(secret).slice(1, -1));
}

/**
 * A logger of JSON lines on standard error: standard output belongs to run events. Its level is ELBO_LOG_LEVEL, warn
 * when left out. Fields that many share have one name: runId, step, shard, workerId. Secrets are left out.
 * @throws RangeError when ELBO_LOG_LEVEL is no level
 */
export function defaultLogger(name: string): Logger {
  const { ELBO_LOG_LEVEL: level = 'warn', ELBO_TOKEN, ELBO_READ_TOKEN, REDIS_URL = '' } = process.env;
  if (!levels.includes(level)) {
    throw new RangeError(`ELBO_LOG_LEVEL: '${level}' is no level; it is one of ${levels.join(', ')}`);
  }
  for (const secret of [ELBO_TOKEN, ELBO_READ_TOKEN, ...passwordsOf(REDIS_URL)]) keepSecret(secret);
  const paths = secretFields.flatMap((field) => [field, `*.${field}`, `*.headers.${field}`]);
  standardError ??= pino.destination({ dest: 2, sync: true });
  const output = standardError;
  return pino(
    { name, level, serializers: { err: serializeError }, redact: { paths, censor: '***' } },
    { write: (line) => output.write(withoutSecrets(line)) },
  );
}

/** A shard job as logs tell of it. */
export function shardFields(job: ShardJob) {
  const { runId, shard, attempt } = job;
  const round = job.kind === 'gradient' ? { step: job.step } : { epoch: job.epoch, split: job.split };
  return { runId, ...round, shard, attempt };
}

/** What failed, as logs tell of it: an error that was raised on purpose says all in its message, any other needs its stack. */
export function failureFields(error: unknown) {
  return error instanceof TransportError ? { code: error.code, why: error.message } : { err: error };
}

/** As pino does, which appends the message of the cause: not where the error's own message has it already. */
function serializeError(error: unknown) {
  if (!(error instanceof Error)) return error; // a Redis that ends in order leaves none
  const serialized = pino.stdSerializers.err(error);
  const { message, cause } = error;
  if (cause instanceof Error && message.includes(cause.message)) serialized.message = message;
  return serialized;
}

/** Also without the user and password of any address: errors of libraries quote them. */
function withoutSecrets(line: string): string {
  let clean = line;
  for (const secret of secrets) clean = clean.replaceAll(secret, '***');
  return clean.replace(/([a-z][a-z0-9+.-]*:\/\/)[^/\s"@]*@/gi, '$1***@');
}

/** The password of an address, as it stands there and decoded. */
function passwordsOf(url: string): string[] {
  const password = URL.canParse(url) ? new URL(url).password : '';
  try {
    return [password, decodeURIComponent(password)];
  } catch {
    return [password]; // that the address cannot be read is for those to say who want to connect
  }
}
