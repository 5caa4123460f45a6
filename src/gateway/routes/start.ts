import type { z } from 'zod';
import type { Task } from '../../contract.ts';
import { HoldfastError } from '../../errors.ts';
import { digest } from '../../fence.ts';
import { checkStart, type InputProblem } from '../../schemas.ts';
import { show } from '../../schemas/sentences.ts';
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
const NO_FIELDS: Body = {};

export function startRoutes(app: App, deps: Deps): void {
  app.post(
    '/v1/tasks',
    { ...common, schema: { ...described, operationId: 'startTask', summary: 'Start a task', body: startBody } },
    async (request, reply) => {
      const started = await start(deps, request, request.body);
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
    const started = await start(deps, request, body, contradiction(body.workload, workload));
    return reply.code(started.is_new ? 201 : 200).send(started);
  });
}

interface Asked {
  readonly caller: Caller;
  readonly headers: z.infer<typeof startHeaders>;
}

/** An id in the body or an Idempotency-Key makes it safe to repeat; both at once would say two things. */
async function start(
  deps: Deps,
  { caller: { tenant }, headers }: Asked,
  body: Body,
  found: readonly InputProblem[] = [],
) {
  const { id: given, priority, ...fields } = isObject(body) ? body : NO_FIELDS;
  const task = isObject(body) ? fields : body;
  const key = headers['idempotency-key'];
  const problems = given !== undefined && key !== undefined ? [...found, TWO_NAMES] : found;
  // The client would not know of these. Nothing is started with them; what else is wrong is told in the same refusal.
  if (problems.length > 0) checkStart({ task, id: given, priority }, problems);
  const id = key === undefined ? given : idOfKey(tenant, key);
  const named = {
    ...(id !== undefined && { id: id as string }),
    ...(priority !== undefined && { priority: priority as number }),
    ...(tenant !== undefined && { tenant }),
  };
  const started = await ask(deps, () => deps.client.start(task as unknown as Task, named)).catch((error: unknown) => {
    throw key !== undefined && isTaken(error) ? reusedKey(error) : error;
  });
  return { task_id: started.taskId, run_id: started.runId, is_new: started.isNew };
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

const TWO_NAMES: InputProblem = { field: 'id', message: 'is given, and an Idempotency-Key, too; give one of them.' };

function contradiction(given: unknown, workload: string): InputProblem[] {
  if (given === workload) return [];
  return [{ field: 'workload', message: `is ${show(given)}; the path says ${workload}.` }];
}
