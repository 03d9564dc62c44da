import type { ContributionReply } from '@elbo/protocol/messages';

interface PendingReply {
  readonly resolve: (reply: ContributionReply) => void;
  readonly reject: (error: Error) => void;
}

/** Contributions that were sent and not answered yet, by the id that their reply will carry. */
export class PendingReplies {
  readonly #pending = new Map<number, PendingReply>();
  #nextId = 0;

  expect(): { readonly id: number; readonly reply: Promise<ContributionReply> } {
    const id = this.#nextId++;
    const reply = new Promise<ContributionReply>((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    return { id, reply };
  }

  /** A reply that nobody waits for is passed over. */
  settle(id: number, reply: ContributionReply): void {
    this.#pending.get(id)?.resolve(reply);
    this.#pending.delete(id);
  }

  failAll(error: Error): void {
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
  }
}
