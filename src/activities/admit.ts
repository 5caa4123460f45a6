import { activityInfo, getClient } from '@temporalio/activity';
import type { AnchorRef } from '../contract.ts';
import { type Acquire, ACQUIRE_SIGNAL, LIMITER_WORKFLOW_TYPE, type Wish } from '../limits/contract.ts';
import type { Deps } from './deps.ts';
import { perform } from './perform.ts';
import { releaseIfForgotten } from './forgotten.ts';

/**
 * Asks the limiter to let the run in, and starts it if it is not there. Asked twice it is asked once; the answer comes
 * as a signal. A worker that has no limits any more lets everybody in.
 */
export function admit(deps: Deps, anchor: AnchorRef, wish: Wish): Promise<void> {
  const { limiter, name, run } = anchor;
  const whenForgotten = () => releaseIfForgotten(deps, { ...run, name });
  return perform(
    async ({ signal }) => {
      if (limiter === undefined) return;
      const acquire: Acquire = { claim: { run: name, taskId: run.taskId, ...wish }, limits: deps.limits?.most ?? {} };
      const client = getClient();
      await client.withAbortSignal(signal, () =>
        client.workflow.signalWithStart(LIMITER_WORKFLOW_TYPE, {
          workflowId: limiter,
          taskQueue: activityInfo().taskQueue,
          signal: ACQUIRE_SIGNAL,
          signalArgs: [acquire],
          // What it has to do is little, and everybody waits for it.
          priority: { priorityKey: 1 },
          staticSummary: 'Lets tasks in, as many as the limits allow',
        }),
      );
    },
    { whenForgotten },
  );
}
