/** A task as its caller may see it: what is another tenant's does not exist. */
import { unlessUnknown } from '../client/unless-unknown.ts';
import { HoldfastError } from '../errors.ts';
import type { TaskView } from '../task-view.ts';
import { type Caller, maySee } from './caller.ts';
import { ask, type Deps } from './deps.ts';
import { retentionOf, spoken } from './retention.ts';

/** @throws HoldfastError TASK_UNKNOWN, which says how long tasks are remembered. */
export async function visibleTask(deps: Deps, caller: Caller, taskId: string): Promise<TaskView> {
  const view = await unlessUnknown(ask(deps, () => deps.client.describe(taskId)));
  if (view !== undefined && maySee(caller, view)) return view;
  throw await unknownTask(deps, taskId);
}

export async function unknownTask(deps: Deps, taskId: string): Promise<HoldfastError> {
  const kept = spoken(await retentionOf(deps));
  return new HoldfastError(
    'TASK_UNKNOWN',
    `There is no task ${taskId}: it was never started, or it ended more than ${kept} ago, which is how long Temporal remembers.`,
    { taskId },
  );
}
