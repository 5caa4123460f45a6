import { HoldfastError } from '../../errors.ts';
import { tryDuration } from '../../settings.ts';
import type { App } from '../bare-app.ts';
import type { Caller } from '../caller.ts';
import { cancelTask } from '../cancel.ts';
import type { Deps } from '../deps.ts';
import { visibleTask } from '../visible-task.ts';
import { cancelAnswer, cancelRequest } from '../wire/cancel.ts';
import { idParameter, waitQuery, workloadAndIdParameters } from '../wire/parameters.ts';
import { refusals } from '../wire/problem.ts';
import { isWorkload, unknownWorkload } from '../workload.ts';

const described = {
  tags: ['cancel'],
  description:
    'Safe at any moment and to be repeated. 200: settled, as `status` says. 202: recorded, and it goes on whether or not anybody asks; `left` names what is still there.',
  querystring: waitQuery,
  body: cancelRequest,
  response: { 200: cancelAnswer, 202: cancelAnswer, ...refusals(413, 415) },
};
const config = { scope: 'cancel' } as const;

export function cancelRoutes(app: App, deps: Deps): void {
  const one = { ...described, operationId: 'cancelTask', summary: 'Cancel a task', params: idParameter };
  app.post('/v1/tasks/:id/cancel', { config, schema: one }, async ({ params, query, body, caller }, reply) => {
    const answer = await cancel(deps, caller, params.id, { ...query, ...body });
    return reply.code(answer.status === 'cancelling' ? 202 : 200).send(answer);
  });

  const ofWorkload = {
    ...described,
    operationId: 'cancelTaskOfWorkload',
    summary: 'Cancel a task, whatever its workload',
    params: workloadAndIdParameters,
  };
  app.post('/v1/:workload/tasks/:id/cancel', { config, schema: ofWorkload }, async (request, reply) => {
    const { workload, id } = request.params;
    if (!isWorkload(workload)) throw unknownWorkload(workload);
    const answer = await cancel(deps, request.caller, id, { ...request.query, ...request.body });
    return reply.code(answer.status === 'cancelling' ? 202 : 200).send(answer);
  });
}

interface Wish {
  readonly wait: string;
  readonly reason?: string;
}

async function cancel(deps: Deps, caller: Caller, taskId: string, { wait, reason = '' }: Wish) {
  const ms = (tryDuration(wait) ?? 0) * 1_000;
  try {
    const seen = await visibleTask(deps, caller, taskId);
    return await cancelTask(deps, seen, { reason, by: caller.name, wait: ms, signal: deps.stopping });
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'TASK_UNKNOWN') deps.metrics.cancelAnswered('unknown_task');
    throw error;
  }
}
