import { crc32 } from 'node:zlib';
import type { Redis } from 'ioredis';
import type { Lease, RunSnapshot, RunStore } from '../conductor-transport.js';
import { LeaseLostError, SnapshotCorruptError, SnapshotTooLongError } from '../errors.js';
import { namingFull } from './full-redis.js';
import {
  acquireLease,
  commitSnapshot,
  deleteSnapshot,
  expireSnapshot,
  releaseLease,
  renewLease,
  saveRecord,
} from './store-scripts.js';
import { untilAnswered } from './until-answered.js';

/** What stays of a run stays for a week after its last sign of life. */
export const recordTtlMs = 7 * 24 * 3600 * 1000;
/** An upload whose coordinator died before it was committed goes away by itself. */
const uploadTtlMs = 60_000;
const uploadPartBytes = 256 * 1024;
/** A Redis that restarts may lose an upload: it is made again. */
const uploadAttempts = 3;

/** The keys of a run, in one slot of a cluster. */
export function runKeys(prefix: string, runId: string) {
  const base = `${prefix}:{${runId}}`;
  return {
    lease: `${base}:lease`,
    /** Hash: the fence and the record. */
    record: `${base}:record`,
    /** Hash: step, meta, checksum, length. */
    snapshot: `${base}:snapshot`,
    tensors: `${base}:tensors`,
    /** Stream: the newest events. */
    events: `${base}:events`,
    upload: (token: number) => `${base}:upload:${token}`,
  };
}

/** Leases, snapshots and records in Redis. During a save, two snapshots of a run exist: the last one and the upload. */
export class RedisRunStore implements RunStore {
  /** Kept between saves. */
  #spare: Buffer | null = null;

  constructor(
    private readonly client: Redis,
    private readonly prefix: string,
  ) {}

  async acquireLease(runId: string, owner: string, ttlMs: number): Promise<Lease | null> {
    const { lease, record } = runKeys(this.prefix, runId);
    const token = Number(await acquireLease.run(this.client, [lease, record], [ttlMs, recordTtlMs]));
    return token === 0 ? null : { runId, token, owner };
  }

  async renewLease(lease: Lease, ttlMs: number): Promise<void> {
    const keys = runKeys(this.prefix, lease.runId);
    held(lease, await renewLease.run(this.client, [keys.lease, keys.record], [lease.token, ttlMs, recordTtlMs]));
  }

  async releaseLease(lease: Lease): Promise<void> {
    await releaseLease.run(this.client, [runKeys(this.prefix, lease.runId).lease], [lease.token]);
  }

  async saveSnapshot(lease: Lease, { step, meta, tensors }: RunSnapshot): Promise<void> {
    const keys = runKeys(this.prefix, lease.runId);
    const upload = keys.upload(lease.token);
    const bytes = this.#copy(tensors);
    const checksum = crc32(bytes);
    for (let attempt = 1; attempt <= uploadAttempts; attempt++) {
      await namingFull(`the snapshot of step ${step}`, this.#upload(lease.runId, upload, bytes));
      const committed = await commitSnapshot.run(
        this.client,
        [keys.lease, upload, keys.tensors, keys.snapshot],
        [lease.token, step, meta, checksum, bytes.length],
      );
      held(lease, committed);
      this.#spare = bytes;
      if (committed === 1) return;
    }
    throw new SnapshotCorruptError(lease.runId, `its upload was lost ${uploadAttempts} times before it was committed`);
  }

  /** The caller's memory may change as soon as it has called. */
  #copy(tensors: Uint8Array): Buffer {
    const copy = this.#spare?.length === tensors.length ? this.#spare : Buffer.allocUnsafeSlow(tensors.length);
    this.#spare = null;
    copy.set(tensors);
    return copy;
  }

  /**
   * In parts, so that Redis neither stops for others nor keeps a buffer as large as the whole. The last part comes first:
   * the key has its whole length from then on, and one that is shorter was lost meanwhile and begun anew by this part. Such
   * an upload ends there, and is not committed.
   * @throws SnapshotTooLongError
   */
  async #upload(runId: string, key: string, bytes: Buffer): Promise<void> {
    await this.client.del(key);
    const last = Math.max(0, Math.ceil(bytes.length / uploadPartBytes) - 1) * uploadPartBytes;
    const uploadPart = (at: number) => untilAnswered(() => this.#uploadPart(key, bytes, at));
    let length = await uploadPart(last).catch((error: Error) => {
      if (!error.message.includes('string exceeds maximum allowed size')) throw error;
      throw new SnapshotTooLongError(runId, bytes.length, { cause: error });
    });
    for (let at = 0; at < last && length === bytes.length; at += uploadPartBytes) {
      length = await uploadPart(at);
    }
  }

  /** @returns how long the key is now */
  async #uploadPart(key: string, bytes: Buffer, at: number): Promise<number> {
    const part = bytes.subarray(at, at + uploadPartBytes);
    const answers = await this.client.pipeline().setrange(key, at, part).pexpire(key, uploadTtlMs).exec();
    for (const [error] of answers ?? []) if (error !== null) throw error;
    return answers?.[0]?.[1] as number;
  }

  async loadSnapshot(runId: string): Promise<RunSnapshot | null> {
    const keys = runKeys(this.prefix, runId);
    const answers = await this.client.multi().hgetall(keys.snapshot).getBuffer(keys.tensors).exec();
    for (const [error] of answers ?? []) if (error !== null) throw error;
    const fields = answers?.[0]?.[1] as Record<string, string>;
    const tensors = answers?.[1]?.[1] as Buffer | null;
    if (fields.step === undefined || fields.meta === undefined) return null;
    if (tensors === null) throw new SnapshotCorruptError(runId, 'its tensors are missing');
    if (tensors.length !== Number(fields.bytes)) {
      throw new SnapshotCorruptError(runId, `its tensors have ${tensors.length} of ${fields.bytes} bytes`);
    }
    if (crc32(tensors) !== Number(fields.crc32)) {
      throw new SnapshotCorruptError(runId, 'its tensors do not have the checksum they were written with');
    }
    return { step: Number(fields.step), meta: fields.meta, tensors };
  }

  async deleteSnapshot(lease: Lease): Promise<void> {
    const keys = runKeys(this.prefix, lease.runId);
    held(lease, await deleteSnapshot.run(this.client, [keys.lease, keys.tensors, keys.snapshot], [lease.token]));
  }

  async expireSnapshot(lease: Lease, ttlMs: number): Promise<void> {
    const keys = runKeys(this.prefix, lease.runId);
    const answer = await expireSnapshot.run(
      this.client,
      [keys.lease, keys.tensors, keys.snapshot],
      [lease.token, ttlMs],
    );
    held(lease, answer);
  }

  async saveRecord(lease: Lease, record: string): Promise<void> {
    const keys = runKeys(this.prefix, lease.runId);
    held(lease, await saveRecord.run(this.client, [keys.lease, keys.record], [lease.token, record, recordTtlMs]));
  }

  async loadRecord(runId: string): Promise<string | null> {
    return this.client.hget(runKeys(this.prefix, runId).record, 'record');
  }
}

/** @throws LeaseLostError when a fenced script answered that it refused. */
export function held(lease: Lease, answer: unknown): void {
  if (answer === null) throw new LeaseLostError(lease.runId, lease.token, null);
  if (typeof answer === 'number' && answer < 0) throw new LeaseLostError(lease.runId, lease.token, -answer);
}
