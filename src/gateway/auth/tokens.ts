/**
 * Tokens of an OpenID Connect issuer, checked with the keys that it publishes. The issuer says whose they are in the
 * claim `tenant`, and what they allow in the words of `scope`, e.g. `openid start read`.
 */
import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { HoldfastError } from '../../errors.ts';
import { type Caller, SCOPES } from '../caller.ts';

/** Clocks may differ by so much. Seconds. */
const CLOCKS = 30;
const ASK_MS = 5_000;
/** Asymmetric only: a key that is published must not be able to sign. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

export class Tokens {
  readonly #issuer: string;
  readonly #audience: string;
  #keys: Promise<JWTVerifyGetKey> | undefined;

  constructor({ issuer, audience }: { readonly issuer: string; readonly audience: string }) {
    this.#issuer = issuer;
    this.#audience = audience;
  }

  /** @throws HoldfastError UNAUTHENTICATED, ISSUER_UNREACHABLE */
  async callerOf(token: string): Promise<Caller> {
    const checks = { issuer: this.#issuer, audience: this.#audience, clockTolerance: CLOCKS, algorithms: ALGORITHMS };
    const required = { requiredClaims: ['exp', 'sub'] };
    try {
      const { payload } = await jwtVerify(token, await this.#publishedKeys(), { ...checks, ...required });
      return callerIn(payload);
    } catch (error) {
      throw refusal(error);
    }
  }

  /** Found by discovery, once; the set itself is asked for again when a token names a key that is not in it. */
  #publishedKeys(): Promise<JWTVerifyGetKey> {
    this.#keys ??= discover(this.#issuer).catch((error: unknown) => {
      this.#keys = undefined;
      throw unreachable(this.#issuer, error);
    });
    return this.#keys;
  }
}

/** https://openid.net/specs/openid-connect-discovery-1_0.html */
async function discover(issuer: string): Promise<JWTVerifyGetKey> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(ASK_MS) });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  const { jwks_uri: keys } = (await answer.json()) as { readonly jwks_uri?: unknown };
  if (typeof keys !== 'string') throw new Error(`${url} names no jwks_uri`);
  return createRemoteJWKSet(new URL(keys), { timeoutDuration: ASK_MS });
}

function callerIn({ sub, tenant, scope }: JWTPayload): Caller {
  if (typeof tenant !== 'string' || tenant === '') throw refused('it names no tenant');
  const words = typeof scope === 'string' ? scope.split(' ') : [];
  return { name: `sub:${sub}`, tenant, scopes: SCOPES.filter((known) => words.includes(known)) };
}

/** A sentence for what is wrong with the token; the token itself is not repeated. */
function refusal(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  if (error instanceof errors.JWTExpired) return refused('it has expired');
  if (error instanceof errors.JWTClaimValidationFailed) return refused(`its claim ${error.claim} is not as it must be`);
  if (error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError)) return unreachable('', error);
  return refused('it is not one, or is not signed by the issuer');
}

function refused(why: string): HoldfastError {
  return new HoldfastError('UNAUTHENTICATED', `The token is not accepted: ${why}.`);
}

function unreachable(issuer: string, cause: unknown): HoldfastError {
  const who = issuer === '' ? 'The issuer of tokens' : `The issuer ${issuer}`;
  return new HoldfastError('ISSUER_UNREACHABLE', `${who} does not tell its keys.`, {}, { cause });
}
