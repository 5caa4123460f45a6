/** What an answer that is none means: the gateway's own refusals come back as they were thrown there. */
import { HoldfastError, isErrorCode, PROBLEM_TYPE } from '../../errors.ts';
import type { ProblemDocument } from '../../gateway/wire/problem.ts';

export async function refusalOf(answer: Response, url: string): Promise<HoldfastError> {
  const { status, headers } = answer;
  const after = Number(headers.get('retry-after') ?? Number.NaN);
  const retryAfter = Number.isFinite(after) ? { retryAfterSeconds: after } : {};
  if (!headers.get('content-type')?.startsWith(PROBLEM_TYPE)) return strangerAt(url, status, retryAfter);
  const { code, detail, next, errors, facts, request_id: requestId } = (await answer.json()) as ProblemDocument;
  const about = { ...facts, ...retryAfter, ...(errors.length > 0 && { problems: errors }), requestId };
  // A gateway that is newer than this client may have codes that are not known here.
  const known = isErrorCode(code) ? code : 'GATEWAY_FAULT';
  return new HoldfastError(known, detail, known === code ? about : { ...about, code }, { next });
}

/** A proxy, or something else altogether. */
function strangerAt(url: string, status: number, facts: object): HoldfastError {
  const message = `${url} answered ${status}, and not in the way of a gateway of Holdfast.`;
  if (status >= 500 || status === 429) return new HoldfastError('GATEWAY_UNREACHABLE', message, { url, ...facts });
  return new HoldfastError('CONFIG_INVALID', message, { url }, { next: 'Check the URL: it is that of the gateway.' });
}

export function silenceOf(cause: unknown, url: string): HoldfastError {
  return new HoldfastError(
    'GATEWAY_UNREACHABLE',
    `No gateway answers at ${url}: ${reasonOf(cause)}.`,
    { url },
    { cause },
  );
}

/** The innermost cause's own words. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message || error.name;
}
