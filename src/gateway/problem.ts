/** From whatever was thrown to a problem document: what happened, why, what to do; never a stack, never a secret. */
import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { ERRORS, type ErrorCode, HoldfastError, PROBLEM_TYPE } from '../errors.ts';
import type { InputProblem } from '../schemas.ts';
import { isTemporalAway, isTemporalRefusing } from '../temporal-problem.ts';
import { plainFacts } from './wire/facts.ts';
import type { ProblemDocument } from './wire/problem.ts';

export async function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const told = toHoldfast(error);
  if (told.code === 'GATEWAY_FAULT') request.log.error({ error }, 'the gateway failed at a request');
  return sendProblem(told, request, reply);
}

export function sendProblem(error: HoldfastError, { id }: FastifyRequest, reply: FastifyReply): FastifyReply {
  const document = problemDocumentOf(error, id);
  if (document.status === 401) reply.header('www-authenticate', 'Bearer realm="holdfast"');
  return reply.code(document.status).type(PROBLEM_TYPE).serializer(JSON.stringify).send(document);
}

export function problemDocumentOf({ code, message, next, facts }: HoldfastError, requestId: string): ProblemDocument {
  const status = ERRORS[code].http;
  return {
    type: `/problems/${code}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    code,
    detail: message,
    next,
    facts: status < 500 ? plainFacts(facts) : {},
    errors: ((facts['problems'] ?? []) as readonly InputProblem[]).map(({ field, message: why }) => ({
      field,
      message: why,
    })),
    request_id: requestId,
  };
}

/** Fastify's own: https://fastify.dev/docs/latest/Reference/Errors/ */
const OF_FASTIFY: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['INPUT_TOO_LARGE', 'The body is larger than this route accepts.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['MEDIA_TYPE_UNSUPPORTED', 'The body is of a type that is not understood here.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['INPUT_INVALID', 'The body is empty, though its type says that it is JSON.'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['INPUT_INVALID', 'The body is not JSON.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['INPUT_INVALID', 'The body is not as long as Content-Length says.'],
  FST_ERR_BAD_URL: ['INPUT_INVALID', 'The path is not a valid URL.'],
};

export function toHoldfast(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known = OF_FASTIFY[code];
  if (known !== undefined) return new HoldfastError(known[0], known[1], {}, { cause: error });
  if (error instanceof SyntaxError && 'statusCode' in error && error.statusCode === 400)
    return new HoldfastError('INPUT_INVALID', 'The body is not JSON.', {}, { cause: error });
  if (isTemporalAway(error))
    return new HoldfastError('TEMPORAL_UNREACHABLE', 'Temporal does not answer.', {}, { cause: error });
  if (isTemporalRefusing(error))
    return new HoldfastError('TEMPORAL_UNREACHABLE', 'Temporal refuses this gateway.', {}, { cause: error });
  return new HoldfastError('GATEWAY_FAULT', 'The gateway failed at this request.', {}, { cause: error });
}
