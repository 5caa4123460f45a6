/**
 * What can be seen of a task. Its steps are durable: the workflow notes its state in its memo at each but the first, so they
 * stand in history with a number of their own, and whoever comes back after a while gets those that were missed.
 * Progress and diagnosis come by heartbeat: the latest is all there is.
 */
import type { Client } from '@temporalio/client';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { TaskState } from '../../contract.ts';
import { firstState, type TaskView, viewOf } from '../../task-view.ts';
import type { TaskOutcome } from '../task-client.ts';
import { describeTask } from './describe.ts';
import { outcomeOf } from './end.ts';
import { newestFirst } from './history.ts';

export interface Step {
  /** Of the event in Temporal's history. */
  readonly number: number;
  readonly state: TaskState;
}

export interface Look {
  readonly view: TaskView;
  /** Every step of this run so far. */
  readonly steps: readonly Step[];
  readonly historyLength: number;
  readonly ending?: TaskOutcome;
}

/** The event with which every history begins, and every task with its first phase: that one is in no memo. */
const FIRST = 1;
/** Milliseconds between two looks at one task. */
export const LOOK_MS = 500;

/** @throws HoldfastError TASK_UNKNOWN */
export async function lookAt(temporal: Client, taskId: string, last: Look | undefined): Promise<Look> {
  const described = await describeTask(temporal, taskId);
  const view = await viewOf(temporal, described);
  const before = last?.view.runId === view.runId ? last : undefined;
  const isNews = before?.historyLength !== described.historyLength;
  const newer = isNews ? await stepsSince(temporal, view, before?.steps.at(-1)?.number ?? 0) : [];
  return {
    view,
    steps: [...(before?.steps ?? []), ...newer],
    historyLength: described.historyLength,
    ...(!view.open && { ending: await outcomeOf(temporal, taskId, view.runId) }),
  };
}

async function stepsSince(temporal: Client, view: TaskView, known: number): Promise<readonly Step[]> {
  const steps: Step[] = [];
  for await (const event of newestFirst(temporal, view)) {
    const number = Number(String(event.eventId));
    if (number <= known) break;
    if (number === FIRST) {
      steps.unshift({ number, state: firstState(view) });
      break;
    }
    const payload = event.workflowPropertiesModifiedEventAttributes?.upsertedMemo?.fields?.['state'];
    if (!payload) continue;
    const [state] = await decodeArrayFromPayloads(temporal.options.loadedDataConverter, [payload]);
    steps.unshift({ number, state: state as TaskState });
  }
  return steps;
}
