import type { ActivitySlotInfo, CustomSlotSupplier, SlotPermit, SlotReleaseContext } from '@temporalio/worker';
import { Lanes } from '../lanes.ts';

interface Turn extends SlotPermit {
  readonly leave: () => void;
}

/**
 * Room in a worker for so many long waits: those that begin at once, and those that come by the queue of who waits for a
 * turn. That is asked for more only while there is room, so that a worker which has some takes what another has not.
 */
export class Room implements CustomSlotSupplier<ActivitySlotInfo> {
  readonly type = 'custom';
  readonly #lanes: Lanes;

  constructor(most: number) {
    this.#lanes = new Lanes(most);
  }

  get isFull(): boolean {
    return !this.#lanes.hasFree;
  }

  /** For what begins at once. */
  take<T>(wait: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#lanes.take(wait, signal);
  }

  async reserveSlot(_: unknown, signal: AbortSignal): Promise<Turn> {
    return { leave: await this.#lanes.enter(signal) };
  }

  /** Nothing on that queue comes in the answer to a workflow task. */
  tryReserveSlot(): null {
    return null;
  }

  markSlotUsed(): void {}

  releaseSlot({ permit }: SlotReleaseContext<ActivitySlotInfo>): void {
    (permit as Turn).leave();
  }
}
