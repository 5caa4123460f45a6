/** Reads everything of one run from the API server, in the order that nextReleaseStep needs: Pods last. */
import { isOfTask, LABEL, type RunWorld, taskLabel } from '../fence.ts';
import type { Deps } from './deps.ts';

/** A run as release knows it: by its name, which anchor, Job and Pods share, and its task. */
export interface NamedRun {
  readonly taskId: string;
  readonly runId: string;
  readonly name: string;
  /** Whom to tell when nothing of it is left, if that is known already; its objects say it, too. */
  readonly limiter?: string | undefined;
}

export async function readWorld(
  deps: Pick<Deps, 'api' | 'temporalNamespaceId'>,
  run: NamedRun,
  signal?: AbortSignal,
): Promise<RunWorld> {
  const task = taskLabel(deps.temporalNamespaceId, run.taskId);
  const [anchor, job] = await Promise.all([deps.api.readAnchor(run.name, signal), deps.api.readJob(run.name, signal)]);
  const pods = await deps.api.listPods(`${LABEL.run}=${run.name},${LABEL.task}=${task}`, signal);
  const ours = <T extends Parameters<typeof isOfTask>[0]>(found: T) =>
    isOfTask(found, run.name, task) ? found : undefined;
  return { anchor: ours(anchor), job: ours(job), pods };
}
