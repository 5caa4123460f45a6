import { z } from 'zod';
import { ERRORS, HoldfastError, isErrorCode } from '../../errors.ts';
import type { App } from '../bare-app.ts';
import { document } from '../openapi.ts';
import { refusals } from '../wire/problem.ts';

const explained = z
  .object({ code: z.string(), kind: z.enum(['terminal', 'retryable', 'lost']), status: z.number(), next: z.string() })
  .meta({ id: 'ErrorCode' });

const open = { tags: ['service'], security: [] };

export function descriptionRoutes(app: App): void {
  const description = {
    ...open,
    operationId: 'describeApi',
    summary: 'This description',
    response: { 200: z.looseObject({ openapi: z.string() }), ...refusals() },
  };
  app.get('/openapi.json', { schema: description }, async () => document(app) as { openapi: string });

  const problem = {
    ...open,
    operationId: 'explainProblem',
    summary: 'What an error code means for whoever meets it',
    params: z.object({ code: z.string().max(100) }),
    response: { 200: explained, ...refusals() },
  };
  app.get('/problems/:code', { schema: problem }, async ({ params: { code } }) => {
    if (!isErrorCode(code)) throw new HoldfastError('ROUTE_UNKNOWN', `There is no error code ${code}.`);
    const { kind, http, next } = ERRORS[code];
    return { code, kind, status: http, next };
  });
}
