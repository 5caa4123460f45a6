/** A stage for a test file, on the bundle that was made for all of them; and the tasks that tests start. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { Stage } from '../../lab/stage/stage.ts';
import { readConfig } from '../../src/config.ts';
import type { CommandTask, Task } from '../../src/contract.ts';

export { until } from '../../lab/stage/until.ts';
export type Scene = Stage;

export function openScene(): Promise<Scene> {
  return Stage.open({ workflowBundle: inject('workflowBundle') });
}

/** What `npm run up` knows of the environment that it made; undefined on one of the user's own. */
async function localState(): Promise<LocalState | undefined> {
  const file = process.env['HOLDFAST_STATE_FILE'] ?? join(homedir(), '.local', 'state', 'holdfast', 'state.json');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as LocalState);
}

interface LocalState {
  readonly images: { readonly busybox: string; readonly python: string };
  readonly temporal: { readonly ui?: string };
}

/** The image names of the environment that is up; on a cluster of the user's own, public ones. */
export async function images(): Promise<LocalState['images']> {
  return (await localState())?.images ?? { busybox: 'busybox:1.36', python: readConfig().pythonImage };
}

export async function webUi(): Promise<string | undefined> {
  return (await localState())?.temporal.ui;
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
