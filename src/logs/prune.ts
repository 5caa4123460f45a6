/**
 * The log store has an end, too: what nobody has written to for long, of tasks that are over, is removed by the workers,
 * who own it. Like the sweeper it keeps what it is not sure of: a task that is open or that Temporal does not answer for,
 * another Temporal's, a folder that does not say whose it is.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { paced } from '../paced.ts';
import type { TaskStanding } from '../task-standing.ts';
import type { LogStore, StoredRun } from './store.ts';

export interface PruneDeps {
  readonly store: LogStore;
  /** Asked of Temporal just before anything goes. Throws if it does not answer. */
  readonly standingOf: (taskId: string) => Promise<TaskStanding>;
  /** As the log store names a task of this Temporal. */
  readonly labelOf: (taskId: string) => string;
}

export interface Pruning extends PruneDeps {
  /** How long output is kept after its last line. 0: for ever. */
  readonly hours: number;
  readonly onPruned: (runs: number) => void;
  readonly onError: (error: unknown) => void;
  /** Between two looks at the whole store. Milliseconds. */
  readonly everyMs?: number;
}

const HOUR_MS = 3_600_000;
const PACE = { atOnce: 4, perSecond: 20 } as const;

/** Looks at once and then every hour, until it is stopped. */
export async function keepPruning(pruning: Pruning, stop: AbortSignal): Promise<void> {
  const { hours, onPruned, onError, everyMs = HOUR_MS } = pruning;
  if (hours === 0) return;
  while (!stop.aborted) {
    await prune(pruning, Date.now() - hours * HOUR_MS, stop).then(onPruned, (error: unknown) => {
      if (!stop.aborted) onError(error);
    });
    await sleep(everyMs, undefined, { signal: stop }).catch(() => undefined);
  }
}

/** Removes runs that were last written to before that moment, in milliseconds since 1970. Gives how many went. */
export async function prune(deps: PruneDeps, before: number, stop: AbortSignal): Promise<number> {
  const { store } = deps;
  let removed = 0;
  await paced(
    await store.tasks(),
    PACE,
    async (task) => {
      const old = await writtenBefore(store, await store.runsOf(task), before);
      if (old.length === 0 || !(await isOver(deps, task, old))) return;
      for (const run of old) await store.remove(run);
      removed += old.length;
    },
    stop,
  );
  return removed;
}

async function writtenBefore(store: LogStore, runs: readonly StoredRun[], moment: number): Promise<StoredRun[]> {
  const written = await Promise.all(runs.map(async (run) => ({ run, at: await store.writtenAt(run) })));
  return written.flatMap(({ run, at }) => (at < moment ? [run] : []));
}

async function isOver({ store, standingOf, labelOf }: PruneDeps, task: string, [run]: StoredRun[]): Promise<boolean> {
  const taskId = run && (await store.taskIdOf(run));
  if (taskId === undefined || labelOf(taskId) !== task) return false;
  const standing = await standingOf(taskId);
  return standing === 'closed' || standing === 'absent';
}
