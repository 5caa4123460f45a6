/**
 * What an answer of the API server means for the one who asked. Four cases are enough to act on:
 * `absent` (404), `conflict` (409), `refused` (the request itself is wrong or not allowed: asking again is useless) and
 * `unclear`: a 5xx, a lost socket, our own deadline. Unclear means that the request may still take effect, now or
 * later: read before you write. An answer that is not Kubernetes' own is unclear too: a balancer whose servers are all
 * away may well say 404, and then nothing is gone.
 */
import { ApiException, type V1Status } from '@kubernetes/client-node';

/** `homeless`: the namespace itself is gone, or going. */
export type ApiErrorKind = 'absent' | 'conflict' | 'refused' | 'forbidden' | 'homeless' | 'busy' | 'unclear';

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly kind: ApiErrorKind;
  readonly status: number | undefined;
  /** Kubernetes' own reason, e.g. AlreadyExists, Conflict, Invalid, Forbidden. */
  readonly reason: string | undefined;
  /** Seconds, from the Retry-After header. */
  readonly retryAfter: number | undefined;

  constructor(
    kind: ApiErrorKind,
    message: string,
    facts: { status?: number; reason?: string | undefined; retryAfter?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: facts.cause });
    this.kind = kind;
    this.status = facts.status;
    this.reason = facts.reason;
    this.retryAfter = facts.retryAfter;
  }
}

export function isApiError(error: unknown, kind?: ApiErrorKind): error is ApiError {
  return error instanceof ApiError && (kind === undefined || error.kind === kind);
}

/** `what` names the call for the message, e.g. `create Job hf-x`. */
export function toApiError(error: unknown, what: string): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof ApiException) return fromStatus(what, error.code, error.body, error.headers);
  return new ApiError('unclear', `${what}: no answer (${rootCause(error)})`, { cause: error });
}

export function fromStatus(
  what: string,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): ApiError {
  const said = parseStatus(body);
  const { reason, message } = said;
  return new ApiError(kindOf(status, said), `${what}: ${status} ${message}`, {
    status,
    reason,
    retryAfter: retryAfterOf(headers),
  });
}

function kindOf(status: number, said: Said): ApiErrorKind {
  if (status === 429) return 'busy';
  if (!said.isStatus) return 'unclear';
  if (said.isHomeless) return 'homeless';
  switch (status) {
    case 404:
      return 'absent';
    case 409:
      return 'conflict';
    case 403:
      return 'forbidden';
    default:
      // 401 is among the unclear ones on purpose: a token that has just expired is renewed by the next call.
      return status >= 400 && status < 500 && status !== 401 && status !== 408 ? 'refused' : 'unclear';
  }
}

interface Said {
  readonly message: string;
  readonly reason?: string;
  /** Whether this is Kubernetes' own kind of answer. */
  readonly isStatus: boolean;
  readonly isHomeless: boolean;
}

function parseStatus(body: unknown): Said {
  const parsed: unknown = typeof body === 'string' ? tryJson(body) : body;
  if (parsed === null || typeof parsed !== 'object')
    return { message: String(body).slice(0, 300), isStatus: false, isHomeless: false };
  const { kind, reason, message, details } = parsed as V1Status;
  const isGoing = details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating') ?? false;
  return {
    ...(reason !== undefined && { reason }),
    message: message ?? reason ?? 'no message',
    isStatus: kind === 'Status',
    isHomeless: isGoing || (reason === 'NotFound' && details?.kind === 'namespaces'),
  };
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function retryAfterOf(headers: Record<string, string>): number | undefined {
  const seconds = Number(headers['retry-after']);
  return Number.isFinite(seconds) && headers['retry-after'] !== undefined ? seconds : undefined;
}

function rootCause(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as { code?: unknown }).code;
  if (error.cause instanceof Error) return rootCause(error.cause);
  return typeof code === 'string' ? `${code}: ${error.message}` : error.message;
}
