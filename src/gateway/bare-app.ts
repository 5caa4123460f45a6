/** Fastify as all routes know it, before anything is registered. */
import { randomUUID } from 'node:crypto';
import { fastify, type FastifyRequest, LogController } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';

/** Of all but a start: a filter, a reason. Bytes. */
const BODY_BYTES = 64 * 1024;
/** An id of 200 characters, each of which may take twelve in a URL. */
const PARAM_CHARACTERS = 2_400;

export type App = ReturnType<typeof bareApp>;

interface Ground {
  readonly log: Logger;
  /** Whose word is taken for the address of the caller. */
  readonly proxies?: readonly string[];
}

export function bareApp({ log, proxies }: Ground) {
  return fastify({
    loggerInstance: log,
    // Ours is one line for each request, without its query and its headers.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestId,
    bodyLimit: BODY_BYTES,
    ...(proxies && { trustProxy: [...proxies] }),
    routerOptions: { maxParamLength: PARAM_CHARACTERS },
    // Whoever still has a connection while we stop is answered, and told to close it.
    return503OnClosing: false,
  }).withTypeProvider<ZodTypeProvider>();
}

/** Theirs, if it cannot do harm in a log. */
function requestId({ headers }: { readonly headers: FastifyRequest['headers'] }): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
}
