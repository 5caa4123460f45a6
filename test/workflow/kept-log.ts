/** The log of a task as a worker would keep it. */
import type { Client } from '@temporalio/client';
import { taskLabel } from '../../src/fence.ts';
import { LogStore } from '../../src/logs/store.ts';
import { namespaceId } from '../../src/temporal-namespace.ts';

export type Write = (...texts: readonly string[]) => Promise<void>;

export async function keptLog(temporal: Client, logDir: string, id: string): Promise<Write> {
  const run = { task: taskLabel(await namespaceId(temporal), id), run: `run-${id}` };
  const store = new LogStore(logDir);
  await store.introduce(run, { taskId: id, runId: 'r', at: new Date().toISOString() });
  const writer = await store.openLog(run, 'pod', 'main');
  let second = 0;
  return (...texts) =>
    writer.write(
      texts.map((text) => ({ time: new Date(Date.UTC(2026, 0, 1, 0, 0, (second += 1))).toISOString(), text })),
    );
}
