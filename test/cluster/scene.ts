/** A stage for a test file, on the bundle that was made for all of them; and the tasks that tests start. */
import { inject } from 'vitest';
import { type LocalState, localState } from '../../lab/stage/local-state.ts';
import { Stage } from '../../lab/stage/stage.ts';
import type { CommandTask, Task } from '../../src/contract.ts';

export { until } from '../../lab/stage/until.ts';
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
