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

  /** At once; undefined if there is none. */
  async ifThereIs<T>(wait: () => Promise<T>): Promise<T | undefined> {
    const leave = this.#lanes.tryEnter();
    return leave && wait().finally(leave);
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
