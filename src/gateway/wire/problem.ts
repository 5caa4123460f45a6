/** How a refusal looks on the wire: RFC 9457, with a code of the one registry. */
import { z } from 'zod';
import { ERRORS, type ErrorCode, PROBLEM_TYPE } from '../../errors.ts';
import { facts } from './facts.ts';

const codes = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]];

const fieldProblem = z
  .object({
    field: z.string().describe('Dotted path, e.g. files[2].path; empty for the input as a whole.'),
    message: z.string(),
  })
  .meta({ id: 'FieldProblem' });

export const problemDocument = z
  .object({
    type: z.string().describe('Where the code is explained; relative to this server.'),
    title: z.string(),
    status: z.number(),
    code: z.enum(codes).describe('One of the registry; docs/runbook.md explains each.'),
    detail: z.string().describe('What happened and why.'),
    next: z.string().describe('What to do.'),
    facts: facts.describe(
      'What the refusal is about, by name, e.g. limit and actual; empty if the fault is on this side.',
    ),
    errors: z.array(fieldProblem).describe('Every field that is wrong; empty if it is not about fields.'),
    request_id: z.string().describe('As in x-request-id; the log has more under it.'),
  })
  .meta({
    id: 'Problem',
    examples: [
      {
        type: '/problems/TASK_UNKNOWN',
        title: 'Not Found',
        status: 404,
        code: 'TASK_UNKNOWN',
        detail: 'There is no task nightly: it was never started, or it ended more than 24 hours ago.',
        next: ERRORS.TASK_UNKNOWN.next,
        facts: { taskId: 'nightly' },
        errors: [],
        request_id: '5f3c7a52-6c0e-4a56-9d3f-0f4e2b1f9a11',
      },
    ],
  });

export type ProblemDocument = z.infer<typeof problemDocument>;

const MEANING: Readonly<Record<number, string>> = {
  400: 'The request is not understood; nothing was changed.',
  401: 'No key or token, or not a valid one.',
  403: 'The key or token has not the scope for this.',
  404: 'There is no such thing.',
  409: 'It contradicts what is there already.',
  413: 'The body is too large; nothing was created.',
  415: 'The body is not JSON.',
  429: 'Too many requests; `Retry-After` says how long to wait.',
  500: 'A fault in Holdfast.',
  501: 'This gateway is not set up for it; nothing was changed.',
  502: 'Kubernetes refuses it; the detail says how far it had come.',
  503: 'Temporal or, for a kill, Kubernetes does not answer; the request may be repeated.',
};

const EVERYWHERE = [400, 401, 403, 404, 429, 500, 503] as const;

/** The refusals of a route, for its description; `more` are those that not every route has. */
export function refusals(...more: readonly (409 | 413 | 415 | 501 | 502)[]) {
  const content = { [PROBLEM_TYPE]: { schema: problemDocument } };
  return Object.fromEntries(
    [...EVERYWHERE, ...more].map((status) => [status, { description: MEANING[status] ?? '', content }]),
  );
}
