/** How long a run is remembered of which Temporal knew nothing. Milliseconds. */
const REMEMBERED_MS = 10 * 60_000;
/** Fewer than so many may be somebody's will. */
export const FEW = 10;

/**
 * Of which runs Temporal has said that it knows no such task. A few were deleted; many at once are likelier lost, by a
 * Temporal that was restored from a backup, and run rightly.
 */
export class LostTasks {
  readonly #since = new Map<string, number>();

  note(run: string, now = Date.now()): void {
    this.#since.delete(run);
    this.#since.set(run, now);
    for (const [known, since] of this.#since) {
      if (now - since <= REMEMBERED_MS) return;
      this.#since.delete(known);
    }
  }

  get areMany(): boolean {
    return this.#since.size >= FEW;
  }
}
