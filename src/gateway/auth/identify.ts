/** How callers prove who they are, as it was configured: by API key, by token, or, on loopback, not at all. */
import type { Logger } from 'pino';
import type { GatewayConfig } from '../../config.ts';
import { HoldfastError } from '../../errors.ts';
import { anyone, type Identify } from './guard.ts';
import { ApiKeys } from './keys.ts';
import { Tokens } from './tokens.ts';

export interface Identification {
  readonly identify: Identify;
  readonly close: () => void;
}

/** @throws HoldfastError CONFIG_INVALID if nobody could get in, or everybody could from elsewhere. */
export function createIdentification(config: GatewayConfig, log: Logger): Identification {
  if (config.open) return { identify: openOnLoopback(config), close: () => undefined };
  const { issuer, audience } = config;
  if (config.keys === undefined && issuer === undefined) throw unusable('is not set, nor are keys or an issuer.');
  const keys = config.keys === undefined ? undefined : new ApiKeys(config.keys, tellReload(log));
  keys?.watch();
  const tokens = issuer === undefined ? undefined : new Tokens({ issuer, audience });
  return { identify: by(keys, tokens), close: () => keys?.unwatch() };
}

function by(keys: Pick<ApiKeys, 'callerOf'> | undefined, tokens: Pick<Tokens, 'callerOf'> | undefined): Identify {
  return async (authorization) => {
    const [, given] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
    if (given === undefined) throw refused('There is no API key or token in the request.');
    const caller = keys?.callerOf(given);
    if (caller !== undefined) return caller;
    if (tokens !== undefined && given.split('.').length === 3) return tokens.callerOf(given);
    throw refused('The API key is not known here.');
  };
}

function openOnLoopback(config: GatewayConfig): Identify {
  const loopback = config.host === '::1' || config.host.startsWith('127.');
  if (!loopback) throw unusable(`is none, which is accepted on loopback only; it would listen at ${config.host}.`);
  if (config.keys ?? config.issuer) throw unusable('is none, but keys or an issuer are set; leave one of them out.');
  return anyone;
}

function tellReload(log: Logger): (error: HoldfastError | undefined) => void {
  return (error) => {
    if (error === undefined) log.info('API keys were read again');
    else log.error({ error: error.message }, 'API keys could not be read again; those of before hold');
  };
}

function refused(message: string): HoldfastError {
  return new HoldfastError('UNAUTHENTICATED', message);
}

function unusable(message: string): HoldfastError {
  const field = 'HOLDFAST_GATEWAY_AUTH';
  return new HoldfastError('CONFIG_INVALID', `${field} ${message}`, { problems: [{ field, message }] });
}
