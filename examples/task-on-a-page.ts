/**
 * A task as a page shows it, over HTTP: it is followed to its end, and cancelled at most once, only while there is
 * something to cancel. In a browser the import is `holdfast/http`.
 */
import type { CancelAnswer, TaskClient, TaskEvent } from '../src/http.ts';

export class TaskOnAPage {
  readonly #client: TaskClient;
  readonly #taskId: string;
  #hasEnded = false;
  #cancel: Promise<CancelAnswer> | undefined;

  constructor(client: TaskClient, taskId: string) {
    this.#client = client;
    this.#taskId = taskId;
  }

  /** The button is for this. */
  get canCancel(): boolean {
    return !this.#hasEnded && this.#cancel === undefined;
  }

  /** Until it has ended, or the page is left; the task goes on then. */
  async follow(show: (event: TaskEvent) => void, signal: AbortSignal): Promise<void> {
    for await (const event of this.#client.events(this.#taskId, { signal })) {
      if (event.event === 'outcome') this.#hasEnded = true;
      show(event);
    }
  }

  /** However often somebody clicks, one request; none after the end. */
  async cancel(reason: string): Promise<CancelAnswer | undefined> {
    if (this.canCancel) {
      this.#cancel = this.#client.cancel(this.#taskId, { reason });
      // What did not come through may be asked again.
      this.#cancel.catch(() => (this.#cancel = undefined));
    }
    return this.#cancel;
  }
}

/** An answer that comes too late is no error: the page shows how the task had ended. */
export function told(answer: CancelAnswer): string {
  switch (answer) {
    case 'cancelled_before_start':
    case 'cancelled_running':
    case 'already_cancelled':
      return 'Cancelled. Nothing of it runs.';
    case 'cancelling':
      return 'Being cancelled.';
    case 'already_completed':
      return 'It had completed already; here is its result.';
    case 'already_failed':
    case 'already_terminated':
    case 'already_timed_out':
      return 'It had ended already.';
    case 'unknown_task':
      return 'There is no such task any more.';
  }
}
