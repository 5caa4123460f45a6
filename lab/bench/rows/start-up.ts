/** From the start of a worker's process to its first poll: as it is deployed, built and with its bundle beside it. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { repository } from '../../../dev/system/paths.ts';
import { WORKER_FLAGS, WORKER_MEMORY } from '../../../dev/worker-command.ts';
import { polled } from '../../../src/task-queue.ts';
import type { Bench } from '../bench.ts';
import { estimate } from '../estimate.ts';
import { Stage } from '../../stage/stage.ts';

/** As `npm run build`, without its checks of the package. */
const BUILD = [
  ['node_modules/.bin/tsc', '-p', 'tsconfig.build.json'],
  ['cp', '-r', 'src/workloads/evaluation-runner', 'dist/workloads/'],
  [process.execPath, 'dist/bundle.js'],
] as const;

export const startUp: Bench = {
  name: 'start-up',
  title: 'a worker as it is deployed: built, its bundle beside it',
  nodes: 'any',
  size: 1,
  sizeMeans: 'workers at a time',
  repeats: 5,
  measure: async (_, { repeats, tell }) => {
    for (const command of BUILD) await run(command);
    if (!existsSync(join(repository, 'dist', 'worker.js'))) throw new Error('the build left no dist/worker.js');
    const seconds: number[] = [];
    for (let turn = 0; turn <= repeats; turn += 1) {
      const took = await startOnce();
      if (turn > 0) seconds.push(took);
      tell(turn === 0 ? 'warmed up' : `${turn} of ${repeats}: ${took.toFixed(2)} s`);
    }
    const title = 'start of a worker → its first poll';
    return [{ key: 'start-up', title, unit: 's', ours: estimate(seconds, 50) }];
  },
};

/** Seconds. */
async function startOnce(): Promise<number> {
  const stage = await Stage.open();
  const began = performance.now();
  const env = { ...process.env, ...WORKER_MEMORY, ...stage.environment, HOLDFAST_WORKFLOW_BUNDLE: '' };
  const worker = spawn(process.execPath, [...WORKER_FLAGS, 'dist/worker.js'], {
    cwd: repository,
    env,
    stdio: 'ignore',
  });
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

function run([program, ...args]: readonly [string, ...string[]]): Promise<void> {
  const child = spawn(program, args, { cwd: repository, stdio: ['ignore', 2, 2] });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${program} ended with ${code}`))));
  });
}
