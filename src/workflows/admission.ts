/** A task's side of the limits: it asks the limiter of its queue, and waits until it is let in. */
import { condition, defineSignal, setHandler, workflowInfo } from '@temporalio/workflow';
import type { AnchorRef } from '../contract.ts';
import { ADMITTED_SIGNAL, wishOf } from '../limits/contract.ts';
import { admit } from './activity-policies.ts';

export const admittedSignal = defineSignal<[string]>(ADMITTED_SIGNAL);

/** Until it asks again, in case its place or its grant was lost; doubled each time. Milliseconds. */
const FIRST_MS = 60_000;
const LONGEST_MS = 30 * 60_000;

/** Ends at once when it is cancelled. A grant that names another run is of before a Reset, and lets nobody in. */
export async function admission(held: AnchorRef): Promise<void> {
  const granted = new Set<string>();
  setHandler(admittedSignal, (run) => void granted.add(run), {
    description: 'From the limiter: the run has its slot.',
  });
  for (let pause = FIRST_MS; !granted.has(held.name); pause = Math.min(pause * 2, LONGEST_MS)) {
    await admit(held, wishOf(workflowInfo()));
    await condition(() => granted.has(held.name), pause);
  }
}
