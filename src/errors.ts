/**
 * Every error a person can meet: its code, who tries again, what it is in HTTP and as an exit code, and what to do.
 * The code travels as the `type` of Temporal's ApplicationFailure; nobody parses messages.
 */
import type { Problem } from './contract.ts';

/**
 * `terminal`: trying again changes nothing. `retryable`: the same call may succeed later. `lost`: what the attempt
 * stood on is gone before its Job was started; another attempt may run.
 */
export type ErrorKind = 'terminal' | 'retryable' | 'lost';

interface ErrorEntry {
  readonly kind: ErrorKind;
  readonly http: number;
  readonly exit: number;
  /** What to do: one plain sentence. */
  readonly next: string;
}

/** Exit codes of the CLI; documented in the README and in `holdfast --help`. */
export const EXIT = {
  succeeded: 0,
  taskFailed: 1,
  badInput: 2,
  unknownTask: 3,
  conflict: 4,
  unreachable: 5,
  tooLate: 6,
  cancelled: 7,
  unproved: 8,
  bug: 70,
} as const;

/** An error over HTTP is a document of this type: RFC 9457. */
export const PROBLEM_TYPE = 'application/problem+json';

export const ERRORS = {
  // The door.
  INPUT_INVALID: entry(
    'terminal',
    400,
    EXIT.badInput,
    'Correct the fields named and start it again; nothing was created.',
  ),
  INPUT_TOO_LARGE: entry(
    'terminal',
    413,
    EXIT.badInput,
    'Split the task, or put large files into the image; nothing was created.',
  ),
  TASK_ID_TAKEN: entry(
    'terminal',
    409,
    EXIT.conflict,
    'Choose another id, or start it with exactly the same input to follow the task that has this id.',
  ),
  TASK_UNKNOWN: entry(
    'terminal',
    404,
    EXIT.unknownTask,
    'Check the id and the Temporal namespace; `holdfast list` shows what is there.',
  ),
  IDEMPOTENCY_KEY_REUSED: entry(
    'terminal',
    409,
    EXIT.conflict,
    'Send a new Idempotency-Key with another task, or exactly the same body to find the task that this key started.',
  ),

  // The HTTP API.
  ROUTE_UNKNOWN: entry('terminal', 404, EXIT.badInput, 'Check method and path; /openapi.json lists every operation.'),
  WORKLOAD_UNKNOWN: entry(
    'terminal',
    404,
    EXIT.badInput,
    'Use a workload that there is, or the path without one: /v1/tasks.',
  ),
  MEDIA_TYPE_UNSUPPORTED: entry('terminal', 415, EXIT.badInput, 'Send JSON, with `Content-Type: application/json`.'),
  UNAUTHENTICATED: entry(
    'terminal',
    401,
    EXIT.badInput,
    'Send `Authorization: Bearer` with an API key of this gateway, or with a valid token of its issuer.',
  ),
  SCOPE_MISSING: entry('terminal', 403, EXIT.badInput, 'Use a key or a token that has the scope named.'),
  RATE_LIMITED: entry('retryable', 429, EXIT.unreachable, 'Wait as long as `Retry-After` says, and ask less often.'),
  KILL_UNAVAILABLE: entry(
    'terminal',
    501,
    EXIT.badInput,
    'Cancel it, or use `holdfast kill` where Kubernetes can be reached; whoever runs the gateway allows kills with HOLDFAST_KUBE_CONTEXT and deploy/gateway-kill.',
  ),
  ISSUER_UNREACHABLE: entry(
    'retryable',
    503,
    EXIT.unreachable,
    'Try again, or use an API key; whoever runs the gateway should look at HOLDFAST_GATEWAY_ISSUER.',
  ),
  GATEWAY_UNREACHABLE: entry(
    'retryable',
    503,
    EXIT.unreachable,
    'Check the URL and that the gateway runs, and ask again; what was recorded, a task or a cancel, goes on meanwhile.',
  ),
  GATEWAY_FAULT: entry(
    'retryable',
    500,
    EXIT.bug,
    'A fault in Holdfast itself; its log has more under the request id. Please report it.',
  ),

  // The ground we stand on.
  TEMPORAL_UNREACHABLE: entry(
    'retryable',
    503,
    EXIT.unreachable,
    'Check TEMPORAL_ADDRESS and that Temporal runs; `npm run up` starts a local one.',
  ),
  KUBERNETES_UNREACHABLE: entry(
    'retryable',
    503,
    EXIT.unreachable,
    'Check the kube context and that the API server answers; the worker goes on trying.',
  ),
  KUBERNETES_UNCLEAR: entry(
    'retryable',
    503,
    EXIT.unreachable,
    'Nothing to do: the worker reads what happened and goes on.',
  ),
  OTHER_NAMESPACE: entry(
    'retryable',
    503,
    EXIT.unreachable,
    'Give this worker that HOLDFAST_KUBE_NAMESPACE again until the task has ended; another namespace needs another HOLDFAST_TASK_QUEUE.',
  ),
  KUBERNETES_FORBIDDEN: entry(
    'terminal',
    502,
    EXIT.badInput,
    'Give the account its role: deploy/rbac.yaml for a worker, deploy/rbac-kill.yaml for whoever kills.',
  ),
  NAMESPACE_GONE: entry(
    'terminal',
    410,
    EXIT.taskFailed,
    'Create the namespace again, or point the worker at another, and start the task again.',
  ),
  WORKER_FAULT: entry(
    'retryable',
    500,
    EXIT.bug,
    'A fault in Holdfast itself; the worker tries again. Please report it with the message.',
  ),
  CONFIG_INVALID: entry('terminal', 500, EXIT.badInput, 'Set the variables named and start again.'),

  // Dispatch.
  ANCHOR_LOST: entry(
    'lost',
    502,
    EXIT.taskFailed,
    'Someone deleted the anchor of this task before its Job started; find out who cleans this namespace.',
  ),
  JOB_CONFLICT: entry(
    'terminal',
    409,
    EXIT.conflict,
    'Another object stands under the name of this Job; delete it if it is not needed, or use another namespace.',
  ),
  JOB_REFUSED: entry(
    'terminal',
    422,
    EXIT.taskFailed,
    'Kubernetes refused the Job as written; change the field it names.',
  ),
  QUOTA_EXCEEDED: entry('terminal', 429, EXIT.taskFailed, 'Ask for less, or have the quota of the namespace raised.'),

  // Before a container runs.
  IMAGE_UNAVAILABLE: entry(
    'terminal',
    422,
    EXIT.taskFailed,
    'Check the image name and tag, and that the nodes may pull it.',
  ),
  UNSCHEDULABLE: entry(
    'terminal',
    422,
    EXIT.taskFailed,
    'Ask for less of the resource named, or add a node that has it.',
  ),
  CONTAINER_CANNOT_START: entry(
    'terminal',
    422,
    EXIT.taskFailed,
    'Check command, working directory and user against what the image holds.',
  ),

  // While it runs.
  EXIT_CODE: entry('terminal', 422, EXIT.taskFailed, 'Read its output: `holdfast logs ID`.'),
  OUT_OF_MEMORY: entry(
    'terminal',
    422,
    EXIT.taskFailed,
    'Give it more memory (`resources.memory`), or let it do less at once.',
  ),
  DEADLINE_EXCEEDED: entry('terminal', 504, EXIT.taskFailed, 'Give it a longer `timeout`, or let it do less.'),
  EVICTED: entry(
    'terminal',
    503,
    EXIT.taskFailed,
    'The Pod was taken away; start it again, with requests that match its use, or with `retries`.',
  ),
  NODE_LOST: entry(
    'terminal',
    503,
    EXIT.taskFailed,
    'The node went away while the task ran on it; start it again, or with `retries`.',
  ),
  JOB_DELETED: entry(
    'terminal',
    410,
    EXIT.taskFailed,
    'Someone else deleted the Job or its Pod; find out who, and start it again.',
  ),
  RESULT_UNREADABLE: entry(
    'terminal',
    502,
    EXIT.taskFailed,
    'The container ended well but its result could not be read; its output is in `holdfast logs ID`.',
  ),

  // Release.
  STILL_RELEASING: entry(
    'retryable',
    503,
    EXIT.unreachable,
    'Something of the task is still there, as named; release goes on until it is gone.',
  ),
  KILL_OVERTAKEN: entry(
    'terminal',
    409,
    EXIT.conflict,
    'What the earlier task left is released by the one that was started; kill it again if that one should end, too.',
  ),
  KILL_UNFINISHED: entry(
    'retryable',
    502,
    EXIT.unproved,
    'Mend what the message names, then kill the task again: that takes up what is left of it.',
  ),
  LOGS_UNAVAILABLE: entry(
    'terminal',
    404,
    EXIT.unknownTask,
    'The log store of this machine has nothing of the task; read it where its worker runs (HOLDFAST_LOG_DIR).',
  ),
  SWEEP_REFUSED: entry(
    'terminal',
    409,
    EXIT.taskFailed,
    'See what would go: `holdfast sweep --once --dry-run`. If that is right, set HOLDFAST_SWEEP_MAX_PERCENT=100 for one `holdfast sweep --once`.',
  ),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

/** Thrown by the doors (client, CLI, config); activities turn their problems into ApplicationFailures instead. */
export class HoldfastError extends Error {
  override readonly name = 'HoldfastError';
  readonly code: ErrorCode;
  readonly next: string;
  readonly facts: Readonly<Record<string, unknown>>;

  /** `next`: better advice than the registry's. */
  constructor(
    code: ErrorCode,
    message: string,
    facts: Readonly<Record<string, unknown>> = {},
    { next, ...options }: ErrorOptions & { readonly next?: string } = {},
  ) {
    super(message, options);
    this.code = code;
    this.next = next ?? ERRORS[code].next;
    this.facts = facts;
  }
}

/** A problem told the same way everywhere: the registry's advice unless there is better. */
export function problem(code: ErrorCode, message: string, facts?: Problem['facts'], next?: string): Problem {
  return { code, message, next: next ?? ERRORS[code].next, ...(facts && { facts }) };
}

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code);
}

function entry(kind: ErrorKind, http: number, exit: number, next: string): ErrorEntry {
  return { kind, http, exit, next };
}
