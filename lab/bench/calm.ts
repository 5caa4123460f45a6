/** Waits until what was played before has come to its end in the background, too: nodes clean up after Pods that are gone. */
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Share of the machine that is idle then. */
const IDLE = 0.8;
const LOOK_MS = 1_000;
/** A machine that is never calm is measured as it is. */
const LONGEST_MS = 60_000;

export async function calm(): Promise<void> {
  for (const until = Date.now() + LONGEST_MS; Date.now() < until;) {
    const before = spent();
    await sleep(LOOK_MS);
    const after = spent();
    if (after.idle - before.idle >= IDLE * (after.all - before.all)) return;
  }
}

/** By all cores since the machine began. Milliseconds. */
function spent(): { readonly idle: number; readonly all: number } {
  const times = cpus().map(({ times: of }) => ({ idle: of.idle, all: of.user + of.nice + of.sys + of.irq + of.idle }));
  const sum = (of: (one: (typeof times)[number]) => number) => times.reduce((total, one) => total + of(one), 0);
  return { idle: sum(({ idle }) => idle), all: sum(({ all }) => all) };
}
