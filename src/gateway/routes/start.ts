import type { Task } from '../../contract.ts';
import { HoldfastError } from '../../errors.ts';
import { digest } from '../../fence.ts';
import { isWorkload, unknownWorkload } from '../workload.ts';
import type { App } from '../bare-app.ts';
import type { Caller } from '../caller.ts';
import { checkLater } from '../check.ts';
import { ask, type Deps } from '../deps.ts';
import { workloadParameter } from '../wire/parameters.ts';
import { refusals } from '../wire/problem.ts';
import { startAnswer, startBody, startBodyOfWorkload, startHeaders } from '../wire/start.ts';

/** A task is at most 950,000 bytes as it is stored; base64 and JSON make that more. Bytes. */
const BODY_BYTES = 4 * 1024 * 1024;

const common = {
  bodyLimit: BODY_BYTES,
  config: { scope: 'start' },
  validatorCompiler: checkLater,
} as const;

const described = {
  tags: ['tasks'],
  headers: startHeaders,
  response: { 200: startAnswer, 201: startAnswer, ...refusals(409, 413, 415) },
};

type Body = Readonly<Record<string, unknown>>;

export function startRoutes(app: App, deps: Deps): void {
  app.post(
    '/v1/tasks',
    { ...common, schema: { ...described, operationId: 'startTask', summary: 'Start a task', body: startBody } },
    async ({ body, headers, caller }, reply) => {
      const started = await start(deps, caller, body, headers['idempotency-key']);
      return reply.code(started.is_new ? 201 : 200).send(started);
    },
  );
  const ofWorkload = {
    ...described,
    operationId: 'startTaskOfWorkload',
    summary: 'Start a task of this workload',
    params: workloadParameter,
    body: startBodyOfWorkload,
  };
  app.post('/v1/:workload/tasks', { ...common, schema: ofWorkload }, async (request, reply) => {
    const { workload } = request.params;
    if (!isWorkload(workload)) throw unknownWorkload(workload);
    const body = { workload, ...(request.body as unknown as Body) };
    if (body.workload !== workload) throw contradiction(body.workload, workload);
    const started = await start(deps, request.caller, body, request.headers['idempotency-key']);
    return reply.code(started.is_new ? 201 : 200).send(started);
  });
}

/** An id in the body or an Idempotency-Key makes it safe to repeat; both at once would say two things. */
async function start(deps: Deps, { tenant }: Caller, body: Body, key: string | undefined) {
  const { id: given, priority, ...task } = isObject(body) ? body : { id: undefined, priority: undefined };
  if (given !== undefined && key !== undefined) throw twoNames();
  const id = key === undefined ? given : idOfKey(tenant, key);
  const named = {
    ...(id !== undefined && { id: id as string }),
    ...(priority !== undefined && { priority: priority as number }),
    ...(tenant !== undefined && { tenant }),
  };
  const wanted = (isObject(body) ? task : body) as unknown as Task;
  const { taskId, runId, isNew } = await ask(deps, () => deps.client.start(wanted, named)).catch((error: unknown) => {
    throw key !== undefined && isTaken(error) ? reusedKey(error) : error;
  });
  return { task_id: taskId, run_id: runId, is_new: isNew };
}

/** The key is not the id: it may be guessable, and belongs to its tenant. */
function idOfKey(tenant: string | undefined, key: string): string {
  return `key-${digest([tenant, key]).slice(0, 40)}`;
}

function isObject(body: unknown): body is Body {
  return typeof body === 'object' && body !== null && !Array.isArray(body);
}

function isTaken(error: unknown): error is HoldfastError {
  return error instanceof HoldfastError && error.code === 'TASK_ID_TAKEN';
}

function reusedKey(cause: HoldfastError): HoldfastError {
  const message = 'This Idempotency-Key started another task before.';
  return new HoldfastError('IDEMPOTENCY_KEY_REUSED', message, cause.facts, { cause });
}

function twoNames(): HoldfastError {
  const problems = [{ field: 'id', message: 'is given, and an Idempotency-Key, too; give one of them.' }];
  return new HoldfastError('INPUT_INVALID', 'The request names the task twice.', { problems });
}

function contradiction(given: unknown, workload: string): HoldfastError {
  const problems = [{ field: 'workload', message: `is ${JSON.stringify(given)}; the path says ${workload}.` }];
  return new HoldfastError('INPUT_INVALID', 'Body and path name two workloads.', { problems });
}
