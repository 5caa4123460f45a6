/** Ways to a task that are neither ours nor the SDK's: `temporal` on the command line, and the buttons of the web UI. */
import { randomUUID } from 'node:crypto';
import { terminalReporter } from '../../dev/report.ts';
import { pathsFrom } from '../../dev/system/paths.ts';
import { run } from '../../dev/system/processes.ts';
import { temporalProgram } from '../../dev/temporal.ts';
import { type Scene, webUi } from './scene.ts';

export interface Door {
  cancel(taskId: string): Promise<unknown>;
  terminate(taskId: string): Promise<unknown>;
  /** To the end of the workflow task that this event completed. */
  reset(taskId: string, runId: string, eventId: string): Promise<unknown>;
}

export const DOORS = ['temporal CLI', 'web UI'] as const;

/** Undefined if Temporal was not started by `npm run up`: then neither is known. */
export async function openDoor(name: (typeof DOORS)[number], scene: Scene): Promise<Door | undefined> {
  const ui = await webUi();
  if (ui === undefined) return undefined;
  return name === 'web UI' ? buttons(scene, ui) : commandLine(scene);
}

/** `temporal ARGUMENTS` on the Temporal that is up; gives what it prints. */
export async function temporalCli(scene: Scene, ...args: readonly string[]): Promise<string> {
  const program = await temporalProgram(pathsFrom(process.env).cache, process.env, terminalReporter());
  const { namespace, connectionOptions } = scene.config.temporal;
  const where = ['--address', connectionOptions.address ?? '', '--namespace', namespace];
  return (await run(program, [...args, ...where], { timeout: 30_000 })).stdout;
}

function commandLine(scene: Scene): Door {
  const workflow = (verb: string, taskId: string, ...more: readonly string[]) =>
    temporalCli(scene, 'workflow', verb, '--workflow-id', taskId, ...more);
  return {
    cancel: (taskId) => workflow('cancel', taskId),
    terminate: (taskId) => workflow('terminate', taskId, '--reason', 'operator'),
    reset: (taskId, runId, eventId) =>
      workflow('reset', taskId, '--run-id', runId, '--event-id', eventId, '--reason', 'operator'),
  };
}

/** What the web UI sends when a button is pressed. */
function buttons(scene: Scene, ui: string): Door {
  const { namespace } = scene.config.temporal;
  async function press(button: string, workflowId: string, body: Readonly<Record<string, unknown>>): Promise<void> {
    const settings = await fetch(`${ui}/api/v1/settings`);
    const token = /_csrf=([^;]+)/.exec(settings.headers.getSetCookie().join(';'))?.[1] ?? '';
    const pressed = await fetch(`${ui}/api/v1/namespaces/${namespace}/workflows/${workflowId}/${button}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie: `_csrf=${token}`, 'x-csrf-token': token },
      body: JSON.stringify({ namespace, ...body }),
    });
    if (!pressed.ok) throw new Error(`the web UI's button ${button}: ${pressed.status} ${await pressed.text()}`);
  }
  return {
    cancel: (workflowId) => press('cancel', workflowId, { workflowExecution: { workflowId } }),
    terminate: (workflowId) =>
      press('terminate', workflowId, { workflowExecution: { workflowId }, reason: 'operator' }),
    reset: (workflowId, runId, eventId) =>
      press('reset', workflowId, {
        workflowExecution: { workflowId, runId },
        workflowTaskFinishEventId: eventId,
        reason: 'operator',
        requestId: randomUUID(),
      }),
  };
}
