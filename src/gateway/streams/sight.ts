/** What can be seen of a task, for all who follow it: one look for them all, and where its log stands. */
import { LOOK_MS, type Look, lookAt } from '../../client/temporal/look.ts';
import { HoldfastError } from '../../errors.ts';
import { digest } from '../../fence.ts';
import type { LogStore, StoredRun } from '../../logs/store.ts';
import { isNotFound } from '../../temporal-problem.ts';
import { ask, type Deps } from '../deps.ts';
import type { Looking, Seen } from './feed.ts';

export interface Sight extends Look {
  readonly logs: { readonly run: StoredRun; readonly bytes: number } | undefined;
}

/** Milliseconds between two looks, for each task that is followed: at more than 50 at once they are spread. */
const SPREAD_MS = 10;

type Ground = Pick<Deps, 'client'> & {
  readonly log: Pick<Deps['log'], 'debug'>;
  readonly store: LogStore;
  readonly label: (taskId: string) => Promise<string>;
};

export function lookingAtTasks(ground: Ground): Looking<Sight> {
  return {
    pause: (feeds) => Math.max(LOOK_MS, feeds * SPREAD_MS),
    look: async (taskId, last) => {
      try {
        const look = await ask(ground, () => lookAt(ground.client.temporal, taskId, last));
        return seen({ ...look, logs: await logsOf(ground, taskId) });
      } catch (error) {
        // Before the first sight there is nothing to go on with.
        if (last === undefined || isNotFound(error) || error instanceof HoldfastError) throw error;
        ground.log.debug({ taskId, error }, 'a look at a task failed');
        return seen(last);
      }
    },
  };
}

function seen(sight: Sight): Seen<Sight> {
  const { view, steps, logs } = sight;
  return { value: sight, mark: digest([view, steps.length, logs]), over: !view.open };
}

/** Asked after the task itself: what a task wrote is in the store before it has ended. */
async function logsOf({ store, label }: Ground, taskId: string): Promise<Sight['logs']> {
  const run = (await store.runsOf(await label(taskId))).at(-1);
  return run === undefined ? undefined : { run, bytes: await store.bytesOf(run) };
}
