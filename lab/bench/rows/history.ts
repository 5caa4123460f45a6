/** Events of one task's history, by how long it runs: played on Temporal's time-skipping server. */
import { randomUUID } from 'node:crypto';
import { activityInfo, ApplicationFailure } from '@temporalio/activity';
import { Worker } from '@temporalio/worker';
import type { Activities } from '../../../src/activities/index.ts';
import { followQueue } from '../../../src/contract.ts';
import { anchorOf, jobOf, provisionedOf } from '../../stage/played-cluster.ts';
import { timeSkippingServer } from '../../stage/time-skipping-server.ts';
import type { Bench } from '../bench.ts';
import { exactly } from '../estimate.ts';

const SPANS = { '1 minute': 'a minute', '24 hours': 'a day' } as const;
type Span = keyof typeof SPANS;

export const history: Bench = {
  name: 'history',
  title: 'events of a task that succeeds, on the time-skipping server',
  nodes: 'any',
  size: 1,
  sizeMeans: 'tasks of each length',
  repeats: 1,
  measure: async ({ workflowBundle }, { tell }) => {
    const { environment, end } = await timeSkippingServer();
    try {
      const measured = [];
      for (const span of Object.keys(SPANS) as Span[]) {
        const { client, nativeConnection: connection, namespace = 'default' } = environment;
        const taskQueue = `bench-${randomUUID()}`;
        const shared = { connection, namespace, activities: activitiesFor(span) };
        const tasks = await Worker.create({ ...shared, taskQueue, workflowBundle: { codePath: workflowBundle } });
        const follows = await Worker.create({ ...shared, taskQueue: followQueue(taskQueue) });
        const handle = async () => {
          const args = [{ workload: 'command', image: 'a' }];
          const started = await client.workflow.start('runTask', {
            args,
            taskQueue,
            workflowId: taskQueue,
            workflowExecutionTimeout: '7 days',
          });
          await started.result();
          return (await started.fetchHistory()).events?.length ?? Number.NaN;
        };
        const events = await tasks.runUntil(follows.runUntil(handle));
        tell(`${span}: ${events} events`);
        const key = `events-${SPANS[span].replace(' ', '-')}`;
        const title = `events in the history of a task of ${span}`;
        measured.push({ key, title, unit: 'events' as const, ours: exactly(events) });
      }
      return measured;
    } finally {
      await end();
    }
  },
};

/** A world in which all goes well, and so nothing is signalled. No attempt is under way while time is skipped. */
function activitiesFor(span: Span): Activities {
  return {
    provision: async (run) => provisionedOf(anchorOf(run, 7 * 86_400)),
    admit: async () => undefined,
    reserve: async (held) => jobOf(held),
    start: async () => undefined,
    queue: async () => undefined,
    follow: async () => {
      if (activityInfo().attempt > 1) return { kind: 'succeeded', output: { exitCode: 0 } };
      throw ApplicationFailure.create({ message: 'it runs', type: 'KUBERNETES_UNREACHABLE', nextRetryDelay: span });
    },
    release: async () => ({ is: 'released', found: 'started' }),
  };
}
