import type { MemberHello, ResolvedRun } from '@elbo/protocol/messages';
import { elboVersion } from '@elbo/protocol/version';
import type { Build } from './checkpoint/header.js';
import type { Notice } from './notice.js';

/**
 * Decides which workers may join a run. All that could change the bits must be the same: this coordinator's version,
 * and the engine's library and the CPU type of the first worker that joined, be it before the run was taken over or
 * resumed. A spec that does not ask for exactness gets a warning, once for each difference.
 */
export class Handshake {
  #first: Build | null;
  /** Whose that is. */
  #who = 'what computed the run so far';
  readonly #warned = new Set<string>();

  constructor(
    private readonly run: ResolvedRun,
    private readonly notice: Notice,
    before: Build | null,
  ) {
    this.#first = before;
  }

  /** What computes the run; null before a worker has joined. */
  get build(): Build | null {
    return this.#first;
  }

  /** Why a worker may not join; null when it may. */
  refuses(member: MemberHello): string | null {
    const difference = this.#difference(member);
    if (!difference) return null;
    if (this.run.spec.exact) {
      const why = `${difference}, and the run is exact: use the same, or train with exact: false in the spec`;
      this.#say('worker-refused', `refused the worker ${member.workerId} of ${member.host}: ${why}`);
      return why;
    }
    this.#say('worker-differs', `${difference}: the result may differ in its last bits from one run to the next`);
    return null;
  }

  #difference(member: MemberHello): string | null {
    const { version, cpu, workerId } = member;
    if (version !== elboVersion) return `its Elbo is ${version}, and the coordinator's is ${elboVersion}`;
    const engine = member.engines[this.run.spec.engine] ?? 'unknown';
    if (!this.#first) {
      this.#first = { version, engine, cpu };
      this.#who = workerId;
    }
    const first = this.#first;
    if (version !== first.version) return `its Elbo is ${version}, and that of ${this.#who} is ${first.version}`;
    if (engine !== first.engine) return `its engine is ${engine}, and that of ${this.#who} is ${first.engine}`;
    if (cpu !== first.cpu) return `its CPU type is '${cpu}', and that of ${this.#who} is '${first.cpu}'`;
    return null;
  }

  #say(code: string, message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    this.notice('warning', code, message);
  }
}
