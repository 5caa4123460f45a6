/** How often one caller may ask: counted by key or token subject, by address where nobody has to prove who they are. */
import rateLimit from '@fastify/rate-limit';
import { HoldfastError } from '../../errors.ts';
import type { App } from '../app.ts';
import type { Caller } from '../caller.ts';

/** Callers that are counted at the same time; beyond them who has been quiet longest begins anew. */
const CALLERS = 10_000;

/** The headers are those of https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/ */
export async function limitRate(app: App, perMinute: number): Promise<void> {
  await app.register(rateLimit, {
    max: perMinute,
    timeWindow: 60_000,
    cache: CALLERS,
    enableDraftSpec: true,
    // After the guard, which says who asks.
    hook: 'preParsing',
    keyGenerator: (request) => {
      const caller = request.caller as Caller | undefined;
      return caller?.tenant === undefined ? request.ip : caller.name;
    },
    allowList: ({ routeOptions }) => routeOptions.config.scope === undefined,
    errorResponseBuilder: (_, { after, max }) =>
      new HoldfastError('RATE_LIMITED', `More than ${max} requests within a minute; the next is accepted in ${after}.`),
  });
}
