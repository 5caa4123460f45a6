/**
 * Signals while a task is started and followed. The first Ctrl-C cancels the task and stays for the true answer; the next
 * one leaves it to be cancelled in the background, or asks again if that failed. SIGTERM and SIGHUP leave at once, and the
 * task goes on.
 */
import type { CancelTold } from './show/answer.ts';

/** One Ctrl-C can arrive twice: from the terminal, and from a parent process that hands it on. */
const SAME_MS = 400;

export type Leaving = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

export class Interrupts {
  readonly #leave = new AbortController();
  #left: Leaving | undefined;
  #ask: (() => Promise<CancelTold>) | undefined;
  #cancel: CancelTold | undefined;
  /** When the last Ctrl-C asked for the cancel; undefined if the next one is to. */
  #askedAt: number | undefined;
  readonly #onInterrupt = (): void => this.#interrupt(Date.now());
  readonly #onTerm = (): void => this.#leaveAt('SIGTERM');
  readonly #onHangup = (): void => this.#leaveAt('SIGHUP');

  constructor() {
    process.on('SIGINT', this.#onInterrupt);
    process.on('SIGTERM', this.#onTerm);
    process.on('SIGHUP', this.#onHangup);
  }

  /** Aborted when we are to leave the task alone. */
  get leaving(): AbortSignal {
    return this.#leave.signal;
  }

  /** Why we are to leave. */
  get left(): Leaving | undefined {
    return this.#left;
  }

  /** Undefined if no Ctrl-C has come. */
  get cancel(): CancelTold | undefined {
    return this.#cancel;
  }

  /** What the first Ctrl-C does; at once, if it has come already. `ask` never throws. */
  onCancel(ask: () => Promise<CancelTold>): void {
    this.#ask = ask;
    if (this.#cancel !== undefined) void this.#askCancel(ask);
  }

  close(): void {
    process.off('SIGINT', this.#onInterrupt);
    process.off('SIGTERM', this.#onTerm);
    process.off('SIGHUP', this.#onHangup);
  }

  #interrupt(now: number): void {
    if (this.#askedAt === undefined) {
      this.#askedAt = now;
      this.#cancel = 'unanswered';
      if (this.#ask !== undefined) void this.#askCancel(this.#ask);
    } else if (now - this.#askedAt > SAME_MS) this.#leaveAt('SIGINT');
  }

  async #askCancel(ask: () => Promise<CancelTold>): Promise<void> {
    this.#cancel = await ask();
    if (this.#cancel === 'unanswered') this.#askedAt = undefined;
  }

  #leaveAt(signal: Leaving): void {
    this.#left ??= signal;
    this.#leave.abort();
  }
}
