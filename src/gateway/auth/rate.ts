/** How often one caller may ask, and how often whoever proves nothing. */
import rateLimit from '@fastify/rate-limit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { HoldfastError } from '../../errors.ts';
import type { App } from '../bare-app.ts';
import type { Caller } from '../caller.ts';

/** Callers, and addresses, that are counted at the same time; beyond them who has been quiet longest begins anew. */
const COUNTED = 10_000;
const MINUTE = 60_000;
/** Refused logins from one address in a minute; what comes after is not told any more why it is refused. */
export const FAILED_LOGINS = 20;

/** Counts a login that failed. @throws HoldfastError RATE_LIMITED if there have been too many from its address. */
export type CountFailure = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/**
 * Requests are counted by key or token subject, by address where nobody has to prove who they are; failed logins by
 * address. Whoever has a valid key is never kept out by those who have none, though they share an address: keys are long
 * and random, so it is not guessing that is to be slowed down, but noise.
 */
export async function limitRate(app: App, perMinute: number): Promise<CountFailure> {
  await app.register(rateLimit, {
    max: perMinute,
    timeWindow: MINUTE,
    cache: COUNTED,
    // The headers are those of https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
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
  const count = app.createRateLimit({ max: FAILED_LOGINS, keyGenerator: ({ ip }) => ip });
  return async (request, reply) => {
    const counted = await count(request);
    if (counted.isAllowed) return;
    const { max, remaining, ttlInSeconds, isExceeded } = counted;
    reply.headers({ 'ratelimit-limit': max, 'ratelimit-remaining': remaining, 'ratelimit-reset': ttlInSeconds });
    if (!isExceeded) return;
    reply.header('retry-after', ttlInSeconds);
    const message = `More than ${max} refused logins from this address within a minute; try again in ${ttlInSeconds} s, with a valid key or token at once.`;
    throw new HoldfastError('RATE_LIMITED', message);
  };
}
