/**
 * Terminate, timeouts and deletion run no workflow code. An attempt that Temporal has forgotten asks by task id: an open
 * run of that id (a Reset, a start that replaced ours) looks after what others left; with none, nobody is left but us.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { getClient } from '@temporalio/activity';
import { standingOf, type TaskStanding } from '../task-standing.ts';
import { namespaceId } from '../temporal-namespace.ts';
import type { Deps } from './deps.ts';
import { LostTasks } from './lost-tasks.ts';
import { runsOfTask } from './other-runs.ts';
import { releaseRun } from './release-run.ts';
import { ATTEMPT_MS } from './remove-run.ts';
import type { NamedRun } from './world.ts';

/** A run that Reset made may have nothing left to do, and ends at once. Milliseconds. */
const AT_ONCE_MS = 2_000;
/** In which others whom Temporal does not know, either, hear of it. Milliseconds. */
const MUSTER_MS = 1_500;

const LOST = new LostTasks();

export async function releaseIfForgotten(deps: Deps, run: NamedRun): Promise<void> {
  if ((await releasePatiently(deps, run)) !== 'open') return;
  await sleep(AT_ONCE_MS);
  await releasePatiently(deps, run);
}

async function releasePatiently(deps: Deps, run: NamedRun): Promise<TaskStanding> {
  const { taskId, name: jobName } = run;
  const [since, signal] = [Date.now(), AbortSignal.timeout(ATTEMPT_MS)];
  for (let pause = 500; ; pause = Math.min(pause * 2, 10_000)) {
    try {
      // The attempt's own signal has aborted; where the SDK heeds signals, what is asked of Temporal would abort with it.
      return await getClient().withAbortSignal(signal, () => releaseIfClosed(deps, run, since, signal));
    } catch (error) {
      deps.log.warn({ taskId, jobName, error: String(error) }, 'release goes on');
      await sleep(pause, undefined, { signal });
      deps.metrics.releaseRetried();
    }
  }
}

/** With our run goes every other one of the task: the latest may have been ended while it released those before it. */
async function releaseIfClosed(deps: Deps, run: NamedRun, since: number, signal: AbortSignal): Promise<TaskStanding> {
  const { taskId, name: jobName } = run;
  const others = (await runsOfTask(deps, taskId, signal)).filter(({ name }) => name !== jobName);
  // What was listed before Temporal answers cannot belong to a run that is younger than the answer.
  const standing = await standingOf(getClient(), taskId);
  if (standing === 'open' || standing === 'unknown') return standing;
  if (await isLikelyMistaken(deps, jobName, standing, signal)) return 'unknown';
  deps.log.info({ taskId, jobName, standing }, 'the task was ended from outside; releasing what it left');
  for (const left of [run, ...others])
    await deps.unreleased.during(left.name, since, () => releaseRun(deps, left, signal));
  return standing;
}

/**
 * Whether another Temporal answers, or one that has lost what it knew: then running Jobs are not left over, and go on. The
 * sweeper, which sees all of them, judges again.
 */
async function isLikelyMistaken(
  deps: Deps,
  jobName: string,
  standing: 'closed' | 'absent',
  signal: AbortSignal,
): Promise<boolean> {
  const answers = await namespaceId(getClient());
  if (answers !== deps.temporalNamespaceId) {
    deps.log.warn({ jobName, answers }, 'another Temporal answers; what runs is left alone');
    return true;
  }
  if (standing === 'closed') return false;
  LOST.note(jobName);
  await sleep(MUSTER_MS, undefined, { signal });
  if (LOST.areMany) deps.log.warn({ jobName }, 'Temporal knows many tasks no more; what runs is left to the sweeper');
  return LOST.areMany;
}
