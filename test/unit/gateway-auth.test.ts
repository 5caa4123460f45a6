/** Who is let in, to what, and how often; against an issuer of tokens that runs here. */
import { createServer, type Server } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GatewayConfig } from '../../src/config.ts';
import type { HoldfastError } from '../../src/errors.ts';
import { createIdentification } from '../../src/gateway/auth/identify.ts';
import { ApiKeys, hashOf } from '../../src/gateway/auth/keys.ts';
import { FAILED_LOGINS } from '../../src/gateway/auth/rate.ts';
import { createLogger } from '../../src/telemetry.ts';
import { gatewayWithoutTemporal } from './gateway-stage.ts';

const KEY = 'a-long-and-random-key';
const log = createLogger('fatal' as 'error');
let folder: string;
let keysFile: string;
let issuer: Issuer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-keys-'));
  keysFile = join(folder, 'keys.json');
  writeKeys([{ id: 'ci', key: KEY, scopes: ['read'] }]);
  issuer = await openIssuer();
});
afterAll(() => {
  issuer.server.close();
  rmSync(folder, { recursive: true });
});

function writeKeys(keys: readonly { id: string; key: string; scopes: readonly string[] }[]): void {
  const hashed = keys.map(({ id, key, scopes }) => ({ id, sha256: hashOf(key), tenant: 'team-a', scopes }));
  writeFileSync(keysFile, JSON.stringify({ keys: hashed }));
}

interface Issuer {
  readonly server: Server;
  readonly url: string;
  readonly sign: (claims: JWTPayload, more?: { lifetime?: string; forged?: boolean }) => Promise<string>;
}

async function openIssuer(): Promise<Issuer> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const { privateKey: another } = await generateKeyPair('ES256');
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' }];
  const server = createServer((request, answer) => {
    const found = request.url?.endsWith('openid-configuration') ? { issuer: url, jwks_uri: `${url}/keys` } : { keys };
    answer.setHeader('content-type', 'application/json').end(JSON.stringify(found));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const sign: Issuer['sign'] = (claims, { lifetime = '5m', forged = false } = {}) =>
    new SignJWT({ iss: url, aud: 'holdfast', sub: 'ann', tenant: 'team-a', scope: 'openid start read', ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .setExpirationTime(lifetime)
      .sign(forged ? another : privateKey);
  return { server, url, sign };
}

function configOf(more: Partial<GatewayConfig> = {}): GatewayConfig {
  const none = { keys: undefined, issuer: undefined, open: false };
  return {
    host: '127.0.0.1',
    port: 1,
    audience: 'holdfast',
    rate: 1_000,
    retentionHours: 1,
    proxies: [],
    ...none,
    ...more,
  };
}

async function callerBy(authorization: string | undefined, more: Partial<GatewayConfig> = {}) {
  const { identify, close } = createIdentification(configOf({ keys: keysFile, issuer: issuer.url, ...more }), log);
  return identify(authorization).finally(close);
}

const refused = (code: string) => expect.objectContaining({ code });

describe('an API key', () => {
  it('says who asks, for which tenant, and what is allowed', async () => {
    expect(await callerBy(`Bearer ${KEY}`)).toEqual({ name: 'key:ci', tenant: 'team-a', scopes: ['read'] });
  });

  it.each([undefined, '', 'Bearer', `Basic ${KEY}`, 'Bearer other', `Bearer ${hashOf(KEY)}`])(
    'that is none is refused: %s',
    async (authorization) => {
      await expect(callerBy(authorization)).rejects.toThrow(refused('UNAUTHENTICATED'));
    },
  );

  it('holds from when the file has it until the file has it no more; a broken file changes nothing', () => {
    const told: (HoldfastError | undefined)[] = [];
    const keys = new ApiKeys(keysFile, (error) => told.push(error));
    writeKeys([{ id: 'new', key: 'second', scopes: ['start'] }]);
    keys.reload();
    expect([keys.callerOf(KEY), keys.callerOf('second')?.name]).toEqual([undefined, 'key:new']);
    writeFileSync(keysFile, '{"keys": [{"id": "x", "sha256": "secret"}]}');
    keys.reload();
    expect(keys.callerOf('second')?.name).toBe('key:new');
    expect(told).toEqual([undefined, refused('CONFIG_INVALID')]);
    expect(told[1]?.message).not.toContain('secret');
    writeKeys([{ id: 'ci', key: KEY, scopes: ['read'] }]);
  });

  it('is taken up by itself when the file changes, and at SIGHUP', async () => {
    const reloads: unknown[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const keys = new ApiKeys(keysFile, (error) => {
      if (reloads.push(error) === 2) resolve();
    });
    keys.watch();
    process.emit('SIGHUP');
    expect(reloads).toEqual([undefined]);
    writeKeys([{ id: 'ci', key: KEY, scopes: ['read', 'cancel'] }]);
    await promise;
    expect(keys.callerOf(KEY)?.scopes).toEqual(['read', 'cancel']);
    keys.unwatch();
    writeKeys([{ id: 'ci', key: KEY, scopes: ['read'] }]);
  });
});

describe('a token', () => {
  it('of the issuer says who asks, for which tenant, and what is allowed', async () => {
    const caller = await callerBy(`Bearer ${await issuer.sign({})}`);
    expect(caller).toEqual({ name: 'sub:ann', tenant: 'team-a', scopes: ['start', 'read'] });
  });

  it.each([
    ['has expired', {}, { lifetime: '-1h' }],
    ['is for somebody else', { aud: 'other' }, {}],
    ['is of somebody else', { iss: 'https://other.example' }, {}],
    ['is signed by somebody else', {}, { forged: true }],
    ['names no tenant', { tenant: undefined }, {}],
  ])('that %s is refused', async (_, claims, more) => {
    const token = await issuer.sign(claims, more);
    await expect(callerBy(`Bearer ${token}`)).rejects.toThrow(refused('UNAUTHENTICATED'));
  });

  it('that is not signed at all is refused', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const token = `${part({ alg: 'none' })}.${part({ iss: issuer.url, aud: 'holdfast', sub: 'ann', tenant: 'team-a', exp: 9e9 })}.`;
    await expect(callerBy(`Bearer ${token}`)).rejects.toThrow(refused('UNAUTHENTICATED'));
  });

  it('cannot be checked while the issuer is away; that is not held against whoever sent it', async () => {
    const token = `Bearer ${await issuer.sign({})}`;
    await expect(callerBy(token, { issuer: 'http://127.0.0.1:1' })).rejects.toThrow(refused('ISSUER_UNREACHABLE'));
  });
});

describe('the configuration', () => {
  it.each([
    ['nothing is said', {}],
    ['all are let in from elsewhere', { open: true, host: '0.0.0.0' }],
    ['all are let in, yet there are keys', { open: true, keys: '/k' }],
    ['the file of keys is not there', { keys: '/no/such/file' }],
  ])('is refused if %s', (_, config) => {
    expect(() => createIdentification(configOf(config), log)).toThrow(refused('CONFIG_INVALID'));
  });
});

describe('a request', () => {
  it('needs a key with the scope of its route, except for what is about the gateway itself', async () => {
    const { identify, close } = createIdentification(configOf({ keys: keysFile }), log);
    const app = await gatewayWithoutTemporal({ identify });
    const status = async (method: 'GET' | 'POST', url: string, key?: string) => {
      const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
      return (await app.inject({ method, url, headers, ...(method === 'POST' && { payload: { id: 7 } }) })).statusCode;
    };
    expect(await status('GET', '/livez')).toBe(200);
    expect(await status('GET', '/openapi.json')).toBe(200);
    for (const [method, url] of [
      ['GET', '/v1/tasks'],
      ['GET', '/v1/tasks/a/events'],
      ['POST', '/v1/tasks'],
      ['POST', '/v1/tasks/a/cancel'],
    ] as const)
      expect(await status(method, url), url).toBe(401);
    expect((await app.inject({ method: 'HEAD', url: '/v1/tasks' })).statusCode).toBe(401);
    expect(await status('POST', '/v1/tasks', KEY)).toBe(403);
    expect(await status('POST', '/v1/tasks/a/cancel', KEY)).toBe(403);
    expect(await status('GET', '/v1/tasks?limit=x', KEY)).toBe(400);
    await app.close();
    close();
  });

  it('is refused when there have been too many of its caller, and told how long to wait', async () => {
    const callers: Readonly<Record<string, string>> = { a: 'key:a', b: 'key:b' };
    const app = await gatewayWithoutTemporal({
      rate: 2,
      identify: async (who = '') => ({ name: callers[who] ?? '', tenant: 't', scopes: ['read'] }),
    });
    const ask = (authorization: string) => app.inject({ url: '/v1/tasks?limit=x', headers: { authorization } });
    for (const left of [1, 0]) {
      const { statusCode, headers } = await ask('a');
      expect(statusCode).toBe(400);
      expect(headers).toMatchObject({ 'ratelimit-limit': '2', 'ratelimit-remaining': String(left) });
    }
    const refusal = await ask('a');
    expect(refusal.statusCode).toBe(429);
    expect(refusal.json()).toMatchObject({ code: 'RATE_LIMITED', status: 429 });
    expect(Number(refusal.headers['retry-after'])).toBeGreaterThan(0);
    expect((await ask('b')).statusCode).toBe(400);
    expect((await app.inject('/livez')).statusCode).toBe(200);
    await app.close();
  });
});

describe('a login that fails', () => {
  const lines: string[] = [];
  const heard = pino({ level: 'trace' }, { write: (line) => void lines.push(line) });

  /** From an address, past a proxy if one is named. */
  async function openGateway() {
    const { identify, close } = createIdentification(configOf({ keys: keysFile, issuer: issuer.url }), log);
    const app = await gatewayWithoutTemporal({ identify, log: heard, proxies: ['10.0.0.0/8'] });
    const ask = (credential: string, remoteAddress: string, forwarded?: string) =>
      app.inject({
        url: '/v1/tasks?limit=x',
        remoteAddress,
        headers: {
          authorization: `Bearer ${credential}`,
          ...(forwarded !== undefined && { 'x-forwarded-for': forwarded }),
        },
      });
    return { ask, close: () => app.close().then(close) };
  }

  it('too often is told to wait, by the address that it comes from, and keeps nobody out who has a key', async () => {
    const { ask, close } = await openGateway();
    for (let left = FAILED_LOGINS - 1; left >= 0; left -= 1) {
      const { statusCode, headers } = await ask('guess', '192.0.2.1');
      expect(statusCode).toBe(401);
      expect(headers).toMatchObject({
        'ratelimit-limit': String(FAILED_LOGINS),
        'ratelimit-remaining': String(left),
        'www-authenticate': 'Bearer realm="holdfast"',
      });
    }
    const refusal = await ask('guess', '192.0.2.1');
    expect(refusal.statusCode).toBe(429);
    expect(refusal.json()).toMatchObject({ code: 'RATE_LIMITED', detail: expect.stringContaining('refused logins') });
    expect(Number(refusal.headers['retry-after'])).toBeGreaterThan(0);
    expect(refusal.headers['ratelimit-remaining']).toBe('0');
    expect((await ask('a.forged.token', '192.0.2.1')).statusCode).toBe(429);
    // It is let in, and its query is looked at.
    expect((await ask(KEY, '192.0.2.1')).statusCode).toBe(400);
    expect((await ask('guess', '192.0.2.2')).statusCode).toBe(401);
    await close();
  });

  it('is counted by whom a proxy names, if it is one of ours', async () => {
    const { ask, close } = await openGateway();
    for (let n = 0; n < FAILED_LOGINS; n += 1) await ask('guess', '10.1.2.3', '192.0.2.3');
    expect((await ask('guess', '10.1.2.3', '192.0.2.3')).statusCode).toBe(429);
    expect((await ask('guess', '10.1.2.3', '192.0.2.4')).statusCode).toBe(401);
    for (let n = 0; n < FAILED_LOGINS; n += 1) await ask('guess', '192.0.2.5', `192.0.2.${n}`);
    expect((await ask('guess', '192.0.2.5', '192.0.2.99')).statusCode).toBe(429);
    await close();
  });

  it('stands in the log with its address; neither what was tried nor what is right does', async () => {
    const { ask, close } = await openGateway();
    const token = await issuer.sign({ tenant: undefined });
    const tried = ['hunter2-guess', token, KEY];
    lines.length = 0;
    for (const credential of tried) await ask(credential, '192.0.2.6');
    await close();
    const told = lines.join('');
    expect(told).toContain('"address":"192.0.2.6"');
    expect(told).toContain('"caller":"key:ci"');
    for (const secret of [...tried, hashOf(KEY), 'Bearer']) expect(told).not.toContain(secret);
  });
});
