import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError } from '../../errors.ts';
import { taskLabel } from '../../fence.ts';
import { type ContainerLine, linesSince } from '../../logs/container-lines.ts';
import { LogStore, type StoredRun } from '../../logs/store.ts';
import type { LogOptions, TaskClient } from '../task-client.ts';
import { LOOK_MS } from './look.ts';

/** How a task stands, and under which Temporal its output is kept. */
type Asked = Pick<TaskClient, 'describe'> & { readonly namespaceId: () => Promise<string> };

/** @throws HoldfastError TASK_UNKNOWN, LOGS_UNAVAILABLE */
export async function* logLines(
  client: Asked,
  logDir: string,
  taskId: string,
  { follow = false, signal }: LogOptions,
): AsyncGenerator<ContainerLine, void> {
  const store = new LogStore(logDir);
  const offsets = new Map<string, number>();
  let any = false;
  for (;;) {
    const { open } = await client.describe(taskId, { signal });
    const over = !open || !follow;
    for await (const line of linesSince(store, await latestRun(client, store, taskId), offsets, over)) {
      signal?.throwIfAborted();
      any = true;
      yield line;
    }
    if (over) break;
    await sleep(LOOK_MS);
  }
  // A container that wrote nothing has an empty file: that is known, not unavailable.
  const run = any ? undefined : await latestRun(client, store, taskId);
  if (any || (run !== undefined && (await store.filesOf(run)).length > 0)) return;
  throw new HoldfastError('LOGS_UNAVAILABLE', `No output of task ${taskId} is in ${logDir}.`);
}

async function latestRun(client: Asked, store: LogStore, taskId: string): Promise<StoredRun | undefined> {
  const runs = await store.runsOf(taskLabel(await client.namespaceId(), taskId));
  return runs.at(-1);
}
