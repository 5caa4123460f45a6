/** Waits until what was played before has come to its end in the background, too: nodes clean up after Pods that are gone. */
import { setTimeout as sleep } from 'node:timers/promises';
import { machineTime } from './processor-time.ts';

/** Share of the machine that is idle then. */
const IDLE = 0.8;
const LOOK_MS = 1_000;
/** A machine that is never calm is measured as it is. */
const LONGEST_MS = 60_000;

export async function calm(): Promise<void> {
  for (const until = Date.now() + LONGEST_MS; Date.now() < until;) {
    const before = machineTime();
    await sleep(LOOK_MS);
    const after = machineTime();
    const [idle, busy] = [after.idle - before.idle, after.busy - before.busy];
    if (idle >= IDLE * (idle + busy)) return;
  }
}
