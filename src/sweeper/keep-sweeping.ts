/** When the sweeper looks: at all runs once an interval, and at new, changed and suspected ones soon. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunWatch } from '../kubernetes/run-watch.ts';
import type { SweepReport } from './report.ts';
import type { Sweeper } from './sweeper.ts';

/** At most this long between a change, or a first suspicion, and the look that it is worth. Milliseconds. */
const SOON_MS = 5_000;
/** After a look at some runs, at least so many times what it took: a busy cluster is not asked all the time. */
const REST = 9;

export interface Keeping {
  readonly sweeper: Pick<Sweeper, 'look' | 'soon'>;
  readonly watch: Pick<RunWatch, 'onJob'>;
  /** Between two looks at all runs. 0: never. */
  readonly everySeconds: number;
  readonly soonMs?: number;
  readonly onReport: (report: SweepReport) => void;
}

/** Sweeps until it is stopped. */
export async function keepSweeping(keeping: Keeping, stop: AbortSignal): Promise<void> {
  if (keeping.everySeconds === 0) return;
  const woken = new Set<string>();
  const listenNoMore = keeping.watch.onJob((run) => void woken.add(run));
  try {
    await lookOnAndOn(keeping, woken, stop);
  } catch (error) {
    if (!stop.aborted) throw error;
  } finally {
    listenNoMore();
  }
}

async function lookOnAndOn(
  { sweeper, everySeconds, soonMs = SOON_MS, onReport }: Keeping,
  woken: Set<string>,
  stop: AbortSignal,
): Promise<void> {
  const everyMs = everySeconds * 1_000;
  let [fullAt, soonAt, refused] = [0, 0, false];
  for (; ; await sleep(Math.min(everyMs, soonMs), undefined, { signal: stop })) {
    const began = performance.now();
    const full = began >= fullAt;
    const soon = new Set([...woken, ...sweeper.soon]);
    // After a refusal nothing goes piece by piece: a look at all runs has to allow it.
    if (!full && (refused || soon.size === 0 || began < soonAt)) continue;
    woken.clear();
    const report = await sweeper.look(full ? 'all' : soon, stop);
    refused = report.refused !== undefined;
    onReport(report);
    if (full) fullAt = began + everyMs;
    soonAt = performance.now() + REST * (performance.now() - began);
  }
}

/** One sweep from beginning to end: it looks, and where it suspects something, waits and looks again. */
export async function sweepTwice(sweeper: Sweeper, everySeconds: number, signal: AbortSignal): Promise<SweepReport> {
  const first = await sweeper.look('all', signal);
  if (first.refused !== undefined || first.suspects.length === 0) return first;
  await sleep(Math.min(everySeconds * 1_000 || SOON_MS, SOON_MS), undefined, { signal });
  return sweeper.look('all', signal);
}
