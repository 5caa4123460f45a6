/** One look, again and again, for all who listen to the same thing: a thousand listeners cost what one costs. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Seen<T> {
  readonly value: T;
  /** Two looks with the same mark saw the same. */
  readonly mark: string;
  /** Nothing will change any more. */
  readonly over: boolean;
}

export interface Looking<T> {
  /** Throws what listeners should be told; what passes by itself it keeps to itself and gives `last` again. */
  readonly look: (key: string, last: T | undefined) => Promise<Seen<T>>;
  /** Milliseconds between two looks, by how many things are looked at. */
  readonly pause: (feeds: number) => number;
}

class Feed<T> {
  listeners = 0;
  seen: Seen<T> | undefined;
  error: Error | undefined;
  readonly #waiting = new Set<() => void>();

  tell(seen: Seen<T>): void {
    if (seen.mark === this.seen?.mark && seen.over === this.seen.over) return;
    this.seen = seen;
    this.#wake();
  }

  fail(error: unknown): void {
    this.error = error instanceof Error ? error : new Error(String(error));
    this.#wake();
  }

  /** Waits for the next change, the signal, or so many milliseconds: true if neither of the others came. */
  async isQuiet(signal: AbortSignal, ms: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const wake = () => resolve(false);
    const timer = setTimeout(resolve, ms, true);
    this.#waiting.add(wake);
    signal.addEventListener('abort', wake);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(wake);
      signal.removeEventListener('abort', wake);
    }
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }
}

export class Feeds<T> {
  readonly #looking: Looking<T>;
  readonly #feeds = new Map<string, Feed<T>>();

  constructor(looking: Looking<T>) {
    this.#looking = looking;
  }

  /** How many things are looked at. */
  get size(): number {
    return this.#feeds.size;
  }

  /**
   * What is seen, and each time it has changed; a slow listener gets the latest only. Undefined after `quiet` milliseconds
   * in which nothing changed. Ends after what is over, and at the signal.
   */
  async *follow(key: string, signal: AbortSignal, quiet: number): AsyncGenerator<T | undefined> {
    const feed = this.#enter(key);
    try {
      let told: Seen<T> | undefined;
      while (!signal.aborted) {
        const { seen, error } = feed;
        if (error !== undefined) throw error;
        if (seen === told) {
          if (await feed.isQuiet(signal, quiet)) yield undefined;
          continue;
        }
        told = seen;
        if (seen === undefined) continue;
        yield seen.value;
        if (seen.over) return;
      }
    } finally {
      feed.listeners -= 1;
    }
  }

  #enter(key: string): Feed<T> {
    const known = this.#feeds.get(key);
    const feed = known ?? new Feed<T>();
    feed.listeners += 1;
    if (known === undefined) {
      this.#feeds.set(key, feed);
      void this.#keepLooking(key, feed);
    }
    return feed;
  }

  async #keepLooking(key: string, feed: Feed<T>): Promise<void> {
    try {
      while (feed.listeners > 0) {
        const seen = await this.#looking.look(key, feed.seen?.value);
        feed.tell(seen);
        if (seen.over) break;
        await sleep(this.#looking.pause(this.#feeds.size));
      }
    } catch (error) {
      feed.fail(error);
    } finally {
      this.#feeds.delete(key);
    }
  }
}
