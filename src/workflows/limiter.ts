/**
 * The one workflow of a task queue that says which of its tasks may have containers, if its workers have limits. Who is
 * next is decided in limits/queue.ts; here the state is kept, and what was decided is told:
 *
 *     acquire    a run wants a slot (a signal, which also starts this workflow)
 *     admitted   it has it (a signal to its task)
 *     freed      release has proved that nothing of it is left (a signal from whoever proved it)
 *
 * Signals can be lost, so it also looks by itself, once a minute: who has nothing left in Kubernetes holds no slot. It
 * ends when nobody holds or wants one. It may be terminated: those who wait ask again, and it finds those who hold one.
 */
import {
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  getExternalWorkflowHandle,
  setHandler,
  sleep,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import { type Acquire, ACQUIRE_SIGNAL, FREED_SIGNAL, LIMITER_QUERY, type LimiterState } from '../limits/contract.ts';
import {
  asked,
  cut,
  freed,
  heldBy,
  letIn,
  nextIn,
  type Queue,
  type Slot,
  stateOf,
  told,
  untellable,
  untold,
} from '../limits/queue.ts';
import { holders, vanished } from './activity-policies.ts';
import { admittedSignal } from './admission.ts';

export const acquireSignal = defineSignal<[Acquire]>(ACQUIRE_SIGNAL);
export const freedSignal = defineSignal<[string]>(FREED_SIGNAL);
export const limitsQuery = defineQuery<LimiterState>(LIMITER_QUERY);

/** Grants that are on their way at the same time; Temporal allows 2,000. */
const AT_ONCE = 100;
/** How long it waits for a quiet moment before it looks for the next. Milliseconds. */
const QUIET_MS = 1_000;
/** Between two looks at those who hold a slot. Milliseconds. */
const LOOK_MS = 60_000;
/** Slots that one look is at; the next one is at those that follow. */
const LOOKED_AT = 200;
/** What may be handed to the next run of this workflow: Temporal refuses more than 2 MiB. */
const CARRIED_BYTES = 1_800_000;

/** When it looks again, and at which of those that hold a slot: under a steady load no run lives as long as a look is away. */
export interface Look {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly from: number;
}

export async function limiter(carried?: Queue, look?: Look): Promise<void> {
  // Signals wait until the slots are known: who is freed before is found among them, and freed after.
  const limiting = new Limiting(carried ?? heldBy(await holders(workflowInfo().workflowId)), look);
  // Whoever is done first ends it: there is nothing to keep, or the next run keeps it.
  await Promise.race([limiting.serve(), limiting.keepLooking()]);
}

class Limiting {
  #queue: Queue;
  #look: Look;
  #heardAt = 0;

  constructor(queue: Queue, look: Look = { at: Date.now() + LOOK_MS, from: 0 }) {
    this.#queue = queue;
    this.#look = look;
    setHandler(acquireSignal, ({ claim, limits }) => this.#hear((now) => asked({ ...now, limits }, claim)), {
      description: 'From a task: its run wants a slot.',
    });
    setHandler(freedSignal, (run) => this.#hear((now) => freed(now, run)), {
      description: 'From whoever released a run: nothing of it is left.',
    });
    setHandler(limitsQuery, () => stateOf(this.#queue), { description: 'The limits, who holds a slot, who waits.' });
  }

  /** Lets in whoever may be let in, as soon as it may; until the history has become long and a moment is quiet. */
  async serve(): Promise<never> {
    const isDue = () => untold(this.#queue).length > 0 || nextIn(this.#queue) !== undefined;
    for (;;) {
      await (isLong() ? condition(isDue, QUIET_MS) : condition(() => isDue() || isLong()));
      if (isLong() && this.#isQuiet())
        return continueAsNew<typeof limiter>(cut(this.#queue, CARRIED_BYTES), this.#look);
      this.#turn((now) => letIn(now, AT_ONCE));
      await Promise.all(
        untold(this.#queue)
          .slice(0, AT_ONCE)
          .map((slot) => this.#tell(slot)),
      );
    }
  }

  /** Until nobody holds a slot or wants one. */
  async keepLooking(): Promise<void> {
    for (;;) {
      await sleep(Math.max(1, this.#look.at - Date.now()));
      const { from } = this.#look;
      const { held, waiting } = this.#queue;
      if (held.length + waiting.length === 0) return;
      const { gone, limits } = await vanished(
        held.slice(from, from + LOOKED_AT).map(({ run, taskId }) => ({ run, taskId })),
      );
      this.#turn((now) => gone.reduce(freed, { ...now, limits }));
      this.#look = { at: Date.now() + LOOK_MS, from: from + LOOKED_AT < held.length ? from + LOOKED_AT : 0 };
      const { tenants: _, ...counts } = stateOf(this.#queue);
      upsertMemo({ limits: counts });
    }
  }

  /** To the task's latest run: after a Reset that is the one which waits. */
  async #tell({ taskId, run }: Slot): Promise<void> {
    const telling = getExternalWorkflowHandle(taskId).signal(admittedSignal, run);
    const then = await telling.then(
      () => told,
      () => untellable,
    );
    this.#turn((now) => then(now, run));
  }

  /**
   * Nobody was heard in this turn. Temporal refuses the end of a run if a signal comes meanwhile, and then all of its
   * history is gone through again: so it is not tried when signals come one upon the other.
   */
  #isQuiet(): boolean {
    return this.#heardAt < Date.now();
  }

  #hear(change: (now: Queue) => Queue): void {
    this.#heardAt = Date.now();
    this.#turn(change);
  }

  #turn(change: (now: Queue) => Queue): void {
    this.#queue = change(this.#queue);
  }
}

function isLong(): boolean {
  return workflowInfo().continueAsNewSuggested;
}
