/** From the start of a worker's process to its first poll, as in its image. */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { WORKER_ARGS, WORKER_ENVIRONMENT } from '../../../dev/worker-command.ts';
import { polled } from '../../../src/task-queue.ts';
import type { Bench } from '../bench.ts';
import { estimate } from '../estimate.ts';
import { Stage } from '../../stage/stage.ts';

export const startUp: Bench = {
  name: 'start-up',
  title: 'a worker as its image has it: the workflow bundle made before, and what V8 compiled kept',
  nodes: 'any',
  size: 1,
  sizeMeans: 'workers at a time',
  repeats: 5,
  measure: async ({ workflowBundle }, { repeats, tell }) => {
    const seconds: number[] = [];
    for (let turn = 0; turn <= repeats; turn += 1) {
      const took = await startOnce(workflowBundle);
      if (turn > 0) seconds.push(took);
      tell(turn === 0 ? 'warmed up' : `${turn} of ${repeats}: ${took.toFixed(2)} s`);
    }
    const title = 'start of a worker → its first poll';
    return [{ key: 'start-up', title, unit: 's', ours: estimate(seconds, 50) }];
  },
};

/** Seconds. */
async function startOnce(workflowBundle: string): Promise<number> {
  const stage = await Stage.open();
  const began = performance.now();
  const bundle = { HOLDFAST_WORKFLOW_BUNDLE: workflowBundle };
  const env = { ...process.env, ...WORKER_ENVIRONMENT, ...stage.environment, ...bundle };
  const worker = spawn(process.execPath, WORKER_ARGS, { env, stdio: 'ignore' });
  const exited = new Promise((resolve) => worker.once('exit', resolve));
  try {
    while (!(await hasWorker(stage))) await sleep(10);
    return (performance.now() - began) / 1_000;
  } finally {
    worker.kill('SIGTERM');
    await exited;
    await stage.close();
  }
}

async function hasWorker({ client, config }: Stage): Promise<boolean> {
  return (await polled(client.temporal, config.taskQueue, Date.now())).now;
}
