/**
 * How long what should be gone has been there: for the one number that says whether releasing is stuck. A run waits
 * from the moment its release was asked for, which Temporal keeps over attempts and workers, or from the first look
 * at which the sweeper suspected it.
 */

/** Longer than Temporal waits between two attempts to release: who fails here is tried again, perhaps elsewhere. */
const NEXT_ATTEMPT_MS = 15_000;

export class Unreleased {
  readonly #now: () => number;
  readonly #releasing = new Map<string, { readonly since: number; readonly until: number }>();
  #suspected: ReadonlyMap<string, number> = new Map();

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Counts the run as waiting since `since` (milliseconds) while `release` runs and, if it fails, until the next attempt. */
  async during<T>(run: string, since: number, release: () => Promise<T>): Promise<T> {
    this.#releasing.set(run, { since, until: Infinity });
    try {
      const released = await release();
      this.#releasing.delete(run);
      return released;
    } catch (error) {
      this.#releasing.set(run, { since, until: this.#now() + NEXT_ATTEMPT_MS });
      throw error;
    }
  }

  /** Whether this process is releasing it at this moment. */
  isReleasing(run: string): boolean {
    return this.#releasing.get(run)?.until === Infinity;
  }

  /** All runs that the sweeper suspects now; who is not among them is forgotten. */
  suspect(runs: Iterable<string>): void {
    const before = this.#suspected;
    this.#suspected = new Map(Array.from(runs, (run) => [run, before.get(run) ?? this.#now()]));
  }

  /** Seconds; 0 if nothing waits. */
  oldest(): number {
    const now = this.#now();
    for (const [run, { until }] of this.#releasing) if (until < now) this.#releasing.delete(run);
    const since = [...this.#releasing.values()].map((waiting) => waiting.since);
    return Math.max(0, ...[...since, ...this.#suspected.values()].map((start) => (now - start) / 1_000));
  }
}
