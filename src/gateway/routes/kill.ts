import { HoldfastError } from '../../errors.ts';
import { tryDuration } from '../../settings.ts';
import type { App } from '../bare-app.ts';
import type { Deps } from '../deps.ts';
import { visibleTask } from '../visible-task.ts';
import { killAnswer, killRequest, wireKill } from '../wire/kill.ts';
import { idParameter } from '../wire/parameters.ts';
import { refusals } from '../wire/problem.ts';

export function killRoute(app: App, deps: Deps): void {
  const schema = {
    tags: ['cancel'],
    operationId: 'killTask',
    summary: 'End a task without its worker, when a cancel cannot proceed',
    description:
      'Terminates it in Temporal and removes what it has in Kubernetes, with no regard for its grace period; output that no worker has collected is lost. Answers when that is proved, or with what is not. May be repeated. Off unless this gateway has access to Kubernetes: 501.',
    params: idParameter,
    body: killRequest,
    response: { 200: killAnswer, ...refusals(409, 413, 415, 501, 502) },
  };
  app.post('/v1/tasks/:id/kill', { config: { scope: 'kill' }, schema }, async ({ params: { id }, body, caller }) => {
    if (!deps.mayKill) throw unavailable();
    // Without a record nobody knows whose it is.
    await visibleTask(deps, caller, id);
    const { reason = '', wait } = body;
    const waitSeconds = wait === undefined ? undefined : tryDuration(wait);
    const report = await deps.client.kill(id, {
      reason,
      by: caller.name,
      ...(waitSeconds !== undefined && { waitSeconds }),
    });
    deps.metrics.killAnswered(report.answer);
    return wireKill(report);
  });
}

function unavailable(): HoldfastError {
  return new HoldfastError(
    'KILL_UNAVAILABLE',
    'This gateway has no access to Kubernetes (HOLDFAST_KUBE_CONTEXT), so it cannot kill. Nothing was ended.',
  );
}
