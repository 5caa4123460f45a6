/** What comes in through the parameters of a request, refused in the same sentences as a task is. */
import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';
import { HoldfastError } from '../errors.ts';
import { problemsOf } from '../schemas/sentences.ts';

export const checkRequest: FastifySchemaCompiler<z.ZodType> = ({ schema }) => {
  return (given: unknown) => {
    const parsed = schema.safeParse(given ?? {}, { reportInput: true });
    return parsed.success ? { value: parsed.data } : { error: refusal(parsed.error, schema) };
  };
};

/** Of a body that `checkStart` looks at: it says more than a schema can. */
export const checkLater: FastifySchemaCompiler<unknown> = ({ schema, ...route }) => {
  return route.httpPart === 'body'
    ? (value: unknown) => ({ value })
    : checkRequest({ ...route, schema: schema as z.ZodType });
};

function refusal(error: z.ZodError, schema: z.ZodType): HoldfastError {
  const accepted = 'shape' in schema ? Object.keys(schema.shape as object).join(', ') : 'see /openapi.json';
  const problems = problemsOf(error, () => accepted);
  const said = problems.map(({ field, message }) => `${field} ${message}`.trim()).join(' ');
  const message = `The request has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}: ${said}`;
  return new HoldfastError('INPUT_INVALID', message, { problems });
}
