/** How often something is done for each of many activities: often while they are few, and together never too often. */

export interface Pace {
  /** Of all of them together. */
  readonly perSecond: number;
  /** For each of few. Milliseconds. */
  readonly shortestMs: number;
  /** For each of however many. Milliseconds. */
  readonly longestMs: number;
}

/** The activities of one kind that run in this process. */
export class Crowd {
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Counts one more, until what it gives is called. */
  enter(): () => void {
    this.#size += 1;
    return () => void (this.#size -= 1);
  }

  /** Milliseconds between two times for each. */
  every({ perSecond, shortestMs, longestMs }: Pace): number {
    return Math.min(Math.max(shortestMs, (this.#size / perSecond) * 1_000), longestMs);
  }
}
