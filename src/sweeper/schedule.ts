/** A Temporal Schedule that starts `sweepOnce` on the workers of a task queue: paused and triggered in Temporal's UI. */
import {
  type Client,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type ScheduleOptions,
} from '@temporalio/client';
import { SWEEP_WORKFLOW_TYPE } from '../contract.ts';

export function scheduleId(taskQueue: string): string {
  return `holdfast-sweep-${taskQueue}`;
}

/** Makes the schedule, or gives the one that is there this interval. */
export async function scheduleSweeps(client: Client, taskQueue: string, everySeconds: number): Promise<void> {
  const options = scheduleOptions(taskQueue, everySeconds);
  try {
    await client.schedule.create(options);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await client.schedule.getHandle(options.scheduleId).update(({ state }) => ({ ...options, state }));
  }
}

/** False if there was none. */
export async function unscheduleSweeps(client: Client, taskQueue: string): Promise<boolean> {
  try {
    await client.schedule.getHandle(scheduleId(taskQueue)).delete();
    return true;
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return false;
    throw error;
  }
}

function scheduleOptions(taskQueue: string, everySeconds: number) {
  return {
    scheduleId: scheduleId(taskQueue),
    spec: { intervals: [{ every: everySeconds * 1_000 }] },
    action: {
      type: 'startWorkflow',
      workflowType: SWEEP_WORKFLOW_TYPE,
      workflowId: scheduleId(taskQueue),
      taskQueue,
      args: [],
    },
    // A sweep that waits for a worker is enough of them, and one that was missed is not made up for.
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 minute' },
  } as const satisfies ScheduleOptions;
}
