/**
 * Signals while a task is followed. The first Ctrl-C cancels the task and stays for the true answer; the second one
 * leaves it to be cancelled in the background. SIGTERM and SIGHUP leave at once, and the task goes on.
 */

/** One Ctrl-C can arrive twice: from the terminal, and from a parent process that hands it on. */
const SAME_MS = 400;

export type Leaving = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

export class Interrupts {
  /** Resolves when we are to leave the task alone. */
  readonly leaving: Promise<Leaving>;
  #cancel: (() => void) | undefined;
  #askedAt: number | undefined;
  #leave: (signal: Leaving) => void = () => undefined;
  readonly #onInterrupt = (): void => this.#interrupt(Date.now());
  readonly #onTerm = (): void => this.#leave('SIGTERM');
  readonly #onHangup = (): void => this.#leave('SIGHUP');

  constructor() {
    this.leaving = new Promise((resolve) => (this.#leave = resolve));
    process.on('SIGINT', this.#onInterrupt);
    process.on('SIGTERM', this.#onTerm);
    process.on('SIGHUP', this.#onHangup);
  }

  get cancelAsked(): boolean {
    return this.#askedAt !== undefined;
  }

  /** What the first Ctrl-C does; at once, if it has come already. */
  onCancel(cancel: () => void): void {
    this.#cancel = cancel;
    if (this.cancelAsked) cancel();
  }

  close(): void {
    process.off('SIGINT', this.#onInterrupt);
    process.off('SIGTERM', this.#onTerm);
    process.off('SIGHUP', this.#onHangup);
  }

  #interrupt(now: number): void {
    if (this.#askedAt === undefined) {
      this.#askedAt = now;
      this.#cancel?.();
    } else if (now - this.#askedAt > SAME_MS) this.#leave('SIGINT');
  }
}
