/** Who may pass: a route names the scope that it takes, and whoever asks proves to have it. */
import { HoldfastError } from '../../errors.ts';
import type { App } from '../bare-app.ts';
import { type Caller, SCOPES } from '../caller.ts';
import type { CountFailure } from './rate.ts';

/** From the `Authorization` header to who asks. @throws HoldfastError UNAUTHENTICATED */
export type Identify = (authorization: string | undefined) => Promise<Caller>;

const ANYONE: Caller = { name: 'anyone', tenant: undefined, scopes: SCOPES };

/** Everybody is let in: on loopback, and only if it was asked for. */
export const anyone: Identify = async () => ANYONE;

export function guard(app: App, identify: Identify, countFailure: CountFailure): void {
  app.decorateRequest('caller');
  app.addHook('onRequest', async (request, reply) => {
    const { scope } = request.routeOptions.config;
    if (scope === undefined) return;
    request.caller = await identify(request.headers.authorization).catch(async (error: unknown) => {
      if (error instanceof HoldfastError && error.code === 'UNAUTHENTICATED') await countFailure(request, reply);
      throw error;
    });
    if (!request.caller.scopes.includes(scope)) throw missing(scope, request.caller);
  });
}

function missing(scope: string, { name, scopes }: Caller): HoldfastError {
  const has = scopes.length === 0 ? 'none' : scopes.join(', ');
  return new HoldfastError('SCOPE_MISSING', `${name} has not the scope ${scope}; it has ${has}.`, { scope });
}
