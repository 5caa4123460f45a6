/**
 * How many tasks are sent. With a rate: so many a second. Without one, as many as there may be open at the same time:
 * some more as long as tasks get through, a quarter less when they wait, as TCP finds what a line can take. Pure.
 */
import { percentile } from '../report/stats.ts';

/** Open at the same time, first. */
const FIRST = 20;
const MORE = 4;
const LESS = 0.75;
/** From the sending of a task until its container runs, in the middle of those of a turn. Seconds. */
const PATIENCE = 3;
/** Tasks that a turn is judged by, at least. */
const ENOUGH = 5;
/** Whatever the rate: what two workers follow. */
const MOST = 2_000;

export class Flow {
  readonly #rate: number | undefined;
  #most = FIRST;
  #waits: number[] = [];

  constructor(rate?: number) {
    this.#rate = rate;
  }

  /** How many are to be sent now. */
  due({ seconds, sent, open }: { readonly seconds: number; readonly sent: number; readonly open: number }): number {
    if (this.#rate === undefined) return Math.max(0, this.#most - open);
    return Math.max(0, Math.min(Math.floor(seconds * this.#rate) - sent, MOST - open));
  }

  /** From the sending of a task until its container ran: what its worker's death does later is not in it. Seconds. */
  learn(wait: number): void {
    this.#waits.push(wait);
  }

  /** Every few seconds. */
  turn(): void {
    if (this.#waits.length < ENOUGH) return;
    const isSlow = percentile(this.#waits, 50) > PATIENCE;
    this.#most = isSlow ? Math.max(FIRST, Math.floor(this.#most * LESS)) : Math.min(MOST, this.#most + MORE);
    this.#waits = [];
  }
}
