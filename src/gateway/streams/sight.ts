/**
 * What can be seen of a task, for all who follow it. Its steps are durable: the workflow notes its state in its memo at
 * each of them, so they stand in history with a number of their own, and whoever comes back after a while gets those
 * that were missed, from any gateway. Progress and diagnosis come by heartbeat: the latest is all there is.
 */
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { HoldfastClient, TaskOutcome } from '../../client.ts';
import type { TaskState } from '../../contract.ts';
import { HoldfastError } from '../../errors.ts';
import { digest } from '../../fence.ts';
import type { LogStore, StoredRun } from '../../logs/store.ts';
import { type TaskView, viewOf } from '../../task-view.ts';
import { isNotFound } from '../../temporal-problem.ts';
import { ask, type Deps } from '../deps.ts';
import { newestFirst } from '../history.ts';
import type { Looking, Seen } from './feed.ts';

export interface Step {
  /** Of the event in Temporal's history. */
  readonly number: number;
  readonly state: TaskState;
}

export interface Sight {
  readonly view: TaskView;
  /** Every step of this run so far. */
  readonly steps: readonly Step[];
  readonly historyLength: number;
  readonly ending?: TaskOutcome;
  readonly logs: { readonly run: StoredRun; readonly bytes: number } | undefined;
}

/** Milliseconds between two looks at one task; at more than 50 at once they are spread. */
const LOOK_MS = 500;
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
        return await look(ground, taskId, last);
      } catch (error) {
        // Before the first sight there is nothing to go on with.
        if (last === undefined || isNotFound(error) || error instanceof HoldfastError) throw error;
        ground.log.debug({ taskId, error }, 'a look at a task failed');
        return seen(last);
      }
    },
  };
}

async function look(ground: Ground, taskId: string, last: Sight | undefined): Promise<Seen<Sight>> {
  const { client } = ground;
  const described = await ask(ground, () => client.temporal.workflow.getHandle(taskId).describe());
  const view = await viewOf(client.temporal, described);
  const before = last?.view.runId === view.runId ? last : undefined;
  const isNews = before?.historyLength !== described.historyLength;
  const newer = isNews ? await ask(ground, () => stepsSince(client, view, before?.steps.at(-1)?.number ?? 0)) : [];
  const sight = {
    view,
    steps: [...(before?.steps ?? []), ...newer],
    historyLength: described.historyLength,
    logs: await logsOf(ground, taskId),
    ...(!view.open && { ending: await ask(ground, () => client.result(taskId)) }),
  };
  return seen(sight);
}

function seen(sight: Sight): Seen<Sight> {
  const { view, steps, logs } = sight;
  return { value: sight, mark: digest([view, steps.length, logs]), over: !view.open };
}

async function stepsSince(client: HoldfastClient, view: TaskView, known: number): Promise<readonly Step[]> {
  const steps: Step[] = [];
  for await (const event of newestFirst(client, view)) {
    const number = Number(String(event.eventId));
    if (number <= known) break;
    const payload = event.workflowPropertiesModifiedEventAttributes?.upsertedMemo?.fields?.['state'];
    if (!payload) continue;
    const [state] = await decodeArrayFromPayloads(client.temporal.options.loadedDataConverter, [payload]);
    steps.unshift({ number, state: state as TaskState });
  }
  return steps;
}

/** Asked after the task itself: what a task wrote is in the store before it has ended. */
async function logsOf({ store, label }: Ground, taskId: string): Promise<Sight['logs']> {
  const run = (await store.runsOf(await label(taskId))).at(-1);
  return run === undefined ? undefined : { run, bytes: await store.bytesOf(run) };
}
