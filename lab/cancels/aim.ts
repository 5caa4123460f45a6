/**
 * When a cancel is sent, so that Temporal records it about when the task completes: evenly from well before the Job's end
 * until well after that end is recorded. How long either takes is up to the machine, so it is learnt from the cases.
 */

/** What was seen of one case. Milliseconds. */
export interface Shot {
  /** From the sending of the cancel to its record. */
  readonly recordedIn?: number;
  /** From the Job's end to the record of the task's. */
  readonly completedIn?: number;
}

/** Milliseconds. */
const FIRST_GUESS = 200;
/** Cases that a guess is made of. */
const LATEST = 50;

export class Aim {
  readonly #random: () => number;
  readonly #recordedIn = new Latest();
  readonly #completedIn = new Latest();

  constructor(random: () => number) {
    this.#random = random;
  }

  learn({ recordedIn, completedIn }: Shot): void {
    if (recordedIn !== undefined) this.#recordedIn.add(recordedIn);
    if (completedIn !== undefined) this.#completedIn.add(completedIn);
  }

  /** Milliseconds after the Job's end; before it, if negative. */
  next(): number {
    return (this.#random() * 3 - 1.5) * this.#completedIn.median - this.#recordedIn.median;
  }
}

class Latest {
  readonly #values: number[] = [];

  add(value: number): void {
    this.#values.push(value);
    if (this.#values.length > LATEST) this.#values.shift();
  }

  get median(): number {
    const sorted = this.#values.toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? FIRST_GUESS;
  }
}
