/** What one task asks of both servers in its life: counted, so that a busy machine changes little of it. */
import { paced } from '../../../src/paced.ts';
import { type Bench } from '../bench.ts';
import { estimate, exactly } from '../estimate.ts';
import { Ground, taskOf, type Tools } from '../ground.ts';
import { Traffic } from '../traffic.ts';
import { freePort } from '../../protocols/role-process.ts';
import { temporalRequests } from '../worker-meters.ts';
import type { Measured, Unit } from '../result.ts';

/** So many live at the same time. */
const AT_ONCE = 4;

export const perTask: Bench = {
  name: 'per-task',
  title: 'what one task asks of Kubernetes and of Temporal in its life, on a real node',
  nodes: 'real',
  size: 20,
  sizeMeans: 'tasks of each kind',
  repeats: 1,
  measure: async (tools, { size, tell }) => {
    const metrics = `127.0.0.1:${await freePort()}`;
    const ground = await Ground.open(tools, { throughProxy: true, env: { HOLDFAST_METRICS_ADDRESS: metrics } });
    try {
      const traffic = new Traffic(ground.stage.proxy);
      const lines: Measured[] = [];
      for (const kind of ['succeeds', 'is cancelled'] as const) {
        // The first of each kind warms up.
        await playAll(ground, tools, kind, 1);
        const [kubernetes, temporal] = [traffic.requests, await temporalRequests(metrics)];
        const events = await playAll(ground, tools, kind, size);
        const key = kind === 'succeeds' ? 'succeeded' : 'cancelled';
        const each = (count: number) => exactly(count / size);
        const rows: readonly [string, string, Unit, ReturnType<typeof exactly>][] = [
          [`kubernetes-${key}`, 'requests to Kubernetes', 'requests', each(traffic.requests - kubernetes)],
          [
            `temporal-${key}`,
            'requests of its worker to Temporal',
            'requests',
            each((await temporalRequests(metrics)) - temporal),
          ],
          [`events-${key}`, 'events in its history', 'events', estimate(events, 50)],
        ];
        lines.push(
          ...rows.map(([name, what, unit, ours]) => ({ key: name, title: `${what}, a task that ${kind}`, unit, ours })),
        );
        tell(`a task that ${kind}`);
      }
      return lines;
    } finally {
      await ground.close();
    }
  },
};

/** Gives the number of events of each. */
async function playAll(
  ground: Ground,
  tools: Tools,
  kind: 'succeeds' | 'is cancelled',
  count: number,
): Promise<readonly number[]> {
  const { client } = ground.stage;
  const events: number[] = [];
  const names = Array.from({ length: count }, (_, index) => `${kind.replaceAll(' ', '-')}-${count}-${index}`);
  const script = kind === 'succeeds' ? 'sleep 2' : 'trap "exit 143" TERM; sleep 600 & wait';
  await paced(names, { atOnce: AT_ONCE }, async (name) => {
    const { taskId, job } = await ground.start(name, taskOf(tools.image, ['sh', '-c', script]));
    await ground.eyes.when(job, 'running');
    if (kind === 'is cancelled') await client.cancel(taskId);
    else await client.result(taskId);
    const { events: all } = await client.temporal.workflow.getHandle(taskId).fetchHistory();
    events.push(all?.length ?? Number.NaN);
  });
  return events;
}
