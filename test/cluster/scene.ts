/** A stage for a test file, on the bundle that was made for all of them; and the tasks that tests start. */
import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import { type LocalState, localState } from '../../lab/stage/local-state.ts';
import { Stage } from '../../lab/stage/stage.ts';
import { until } from '../../lab/stage/until.ts';
import type { CommandTask, Task } from '../../src/contract.ts';

export { until };
export type Scene = Stage;

export function openScene(env: NodeJS.ProcessEnv = {}): Promise<Scene> {
  return Stage.open({ workflowBundle: inject('workflowBundle'), env });
}

export async function images(): Promise<LocalState['images']> {
  return (await localState()).images;
}

export async function webUi(): Promise<string | undefined> {
  return (await localState()).temporal.ui;
}

/** A small command; `forever` ends within a second of SIGTERM. */
export function command(image: string, script: string, more: Partial<CommandTask> = {}): Task {
  return {
    workload: 'command',
    image,
    command: ['sh', '-c', script],
    resources: { cpu: '50m', memory: '32Mi', tmp: '1Mi' },
    gracePeriod: '1s',
    ...more,
  };
}

export const FOREVER = 'trap "exit 143" TERM; echo began; sleep 600 & wait';

/** Starts tasks with a worker, waits until each has a Pod in this phase, and kills the worker. */
export async function abandoned(scene: Scene, phase: string, ...tasks: readonly Task[]): Promise<readonly string[]> {
  await scene.startWorker();
  const ids = tasks.map(() => `abandoned-${randomUUID().slice(0, 8)}`);
  await Promise.all(tasks.map((task, index) => scene.client.start(task, { id: ids[index] ?? '' })));
  for (const id of ids) await until(`a ${phase} Pod of ${id}`, async () => (await phaseOf(scene, id)) === phase);
  await scene.worker.end('SIGKILL');
  return ids;
}

export async function phaseOf(scene: Scene, id: string): Promise<string | undefined> {
  return (await scene.remains(id)).pods[0]?.status?.phase;
}
