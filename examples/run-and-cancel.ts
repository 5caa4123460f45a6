/**
 * The smallest client: starts a task, watches it, cancels it, reads what it wrote. With a worker up (`npm run up`):
 *
 *     node_modules/.bin/node examples/run-and-cancel.ts
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastClient, type Task } from '../src/client.ts';
import { readConfig } from '../src/config.ts';

const config = readConfig();
const task: Task = {
  workload: 'command',
  image: config.pythonImage,
  command: ['python3', '-uc', 'import time; print("I could go on for ever"); time.sleep(600)'],
  resources: { cpu: '100m', memory: '64Mi' },
  gracePeriod: '1s',
};

const client = await HoldfastClient.connect(config);
try {
  const { taskId } = await client.start(task);
  console.log(`started ${taskId}`);
  for (let view = await client.describe(taskId); view.open; view = await client.describe(taskId)) {
    console.log(`${view.phase} ${view.pod?.phase ?? ''}`);
    if (view.pod?.phase === 'Running') break;
    await sleep(500);
  }
  // Answers when no container of the task runs, and none ever will.
  console.log(await client.cancel(taskId, { reason: 'seen enough' }));
  for await (const { text } of client.logs(taskId)) console.log(`it wrote: ${text}`);
} finally {
  await client.close();
}
