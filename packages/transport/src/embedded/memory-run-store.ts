import type { Lease, RunSnapshot, RunStore } from '../conductor-transport.js';
import { LeaseLostError } from '../errors.js';

interface Holder {
  readonly lease: Lease;
  /** By performance.now(). */
  expiresAt: number;
}

/** The store of an embedded run: the same lease and fence as in Redis, kept in this process's memory. */
export class MemoryRunStore implements RunStore {
  readonly #tokens = new Map<string, number>();
  readonly #holders = new Map<string, Holder>();
  readonly #snapshots = new Map<string, RunSnapshot>();
  /** When snapshots go away. */
  readonly #expiries = new Map<string, number>();
  readonly #records = new Map<string, string>();

  async acquireLease(runId: string, owner: string, ttlMs: number): Promise<Lease | null> {
    if (this.#holder(runId) !== null) return null;
    const token = (this.#tokens.get(runId) ?? 0) + 1;
    const lease = { runId, token, owner };
    this.#tokens.set(runId, token);
    this.#holders.set(runId, { lease, expiresAt: performance.now() + ttlMs });
    return lease;
  }

  async renewLease(lease: Lease, ttlMs: number): Promise<void> {
    const last = this.#holders.get(lease.runId);
    const holder = last?.lease.token === lease.token ? last : this.#held(lease);
    holder.expiresAt = performance.now() + ttlMs;
  }

  async releaseLease(lease: Lease): Promise<void> {
    if (this.#holder(lease.runId)?.lease.token === lease.token) this.#holders.delete(lease.runId);
  }

  async saveSnapshot(lease: Lease, snapshot: RunSnapshot): Promise<void> {
    this.#held(lease);
    this.#expiries.delete(lease.runId);
    const kept = this.#snapshots.get(lease.runId);
    // The tensors are the coordinator's own memory, which the next step changes: keep a copy, in the buffer of the last.
    const tensors =
      kept?.tensors.length === snapshot.tensors.length ? kept.tensors : new Uint8Array(snapshot.tensors.length);
    tensors.set(snapshot.tensors);
    this.#snapshots.set(lease.runId, { step: snapshot.step, meta: snapshot.meta, tensors });
  }

  async loadSnapshot(runId: string): Promise<RunSnapshot | null> {
    if ((this.#expiries.get(runId) ?? Number.POSITIVE_INFINITY) <= performance.now()) this.#snapshots.delete(runId);
    const kept = this.#snapshots.get(runId);
    return kept === undefined ? null : { ...kept, tensors: kept.tensors.slice() };
  }

  async deleteSnapshot(lease: Lease): Promise<void> {
    this.#held(lease);
    this.#snapshots.delete(lease.runId);
  }

  async expireSnapshot(lease: Lease, ttlMs: number): Promise<void> {
    this.#held(lease);
    this.#expiries.set(lease.runId, performance.now() + ttlMs);
  }

  async saveRecord(lease: Lease, record: string): Promise<void> {
    this.#held(lease);
    this.#records.set(lease.runId, record);
  }

  async loadRecord(runId: string): Promise<string | null> {
    return this.#records.get(runId) ?? null;
  }

  #holder(runId: string): Holder | null {
    const holder = this.#holders.get(runId);
    return holder !== undefined && holder.expiresAt > performance.now() ? holder : null;
  }

  #held(lease: Lease): Holder {
    const holder = this.#holder(lease.runId);
    if (holder?.lease.token !== lease.token) {
      throw new LeaseLostError(lease.runId, lease.token, holder?.lease.token ?? null);
    }
    return holder;
  }
}
