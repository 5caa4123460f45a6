import { ApiException } from '@kubernetes/client-node';
import { describe, expect, it } from 'vitest';
import { ApiError, fromStatus, isApiError, toApiError } from '../../src/kubernetes/api-error.ts';

const status = (reason: string, message: string) => JSON.stringify({ kind: 'Status', reason, message });
const answer = (code: number, body: unknown = '', headers: Record<string, string> = {}) =>
  toApiError(new ApiException(code, 'said', body, headers), 'create Job hf-x');

describe('an answer of the API server', () => {
  it.each([
    [404, 'absent'],
    [409, 'conflict'],
    [429, 'busy'],
    [403, 'forbidden'],
    [400, 'refused'],
    [410, 'refused'],
    [413, 'refused'],
    [422, 'refused'],
    // The request may have been carried out, or may yet be: read before you write.
    [500, 'unclear'],
    [502, 'unclear'],
    [503, 'unclear'],
    [504, 'unclear'],
    [408, 'unclear'],
    // A token that has just expired is renewed by the next call.
    [401, 'unclear'],
    [302, 'unclear'],
  ] as const)('of %d means %s', (code, kind) => {
    expect(answer(code, status('Because', 'said'))).toMatchObject({ name: 'ApiError', kind, status: code });
  });

  it('is told with the call, the status and what Kubernetes said, whether it comes as text or as an object', () => {
    const said = { kind: 'Status', reason: 'AlreadyExists', message: 'jobs.batch "hf-x" already exists' };
    for (const body of [JSON.stringify(said), said]) {
      const error = answer(409, body);
      expect(error.message).toBe('create Job hf-x: 409 jobs.batch "hf-x" already exists');
      expect(error.reason).toBe('AlreadyExists');
    }
  });

  it.each([
    ['a page of a proxy', '<html>Bad Gateway</html>', /^create Job hf-x: 502 <html>Bad Gateway/],
    ['nothing', '', /^create Job hf-x: 502 /],
    ['undefined', undefined, /502/],
    ['null', 'null', /502 null/],
    ['a number', '7', /502 7/],
    ['half of JSON', '{"message":', /502 \{"message":/],
    ['JSON without a message', '{}', /502 no message/],
    ['only a reason', status('Timeout', '').replace(',"message":""', ''), /502 Timeout/],
  ])('that is %s is told as it is', (_, body, message) => {
    expect(answer(502, body)).toMatchObject({ kind: 'unclear', message: expect.stringMatching(message) });
  });

  it.each([400, 403, 404, 409, 422])('of %d that is not its own, but of something in its place, is unclear', (code) => {
    for (const body of ['404 page not found', '<html>', '{}', '{"error":"no healthy upstream"}', ''])
      expect(answer(code, body).kind).toBe('unclear');
  });

  it('tells a namespace that is gone, or going, from an object that is not there and from a missing right', () => {
    const details = (more: object) => ({ kind: 'Status', message: 'm', ...more });
    const going = { reason: 'Forbidden', details: { causes: [{ reason: 'NamespaceTerminating', field: 'metadata' }] } };
    const gone = { reason: 'NotFound', details: { name: 'ns', kind: 'namespaces' } };
    const absent = { reason: 'NotFound', details: { name: 'hf-x', group: 'batch', kind: 'jobs' } };
    expect(answer(403, details(going)).kind).toBe('homeless');
    expect(answer(404, details(gone)).kind).toBe('homeless');
    expect(answer(404, details(absent)).kind).toBe('absent');
  });

  it('that is very long is cut', () => {
    expect(answer(502, 'x'.repeat(1e6)).message.length).toBeLessThan(400);
  });

  it.each([
    ['3', 3],
    ['0', 0],
    ['Wed, 21 Oct 2026 07:28:00 GMT', undefined],
    [undefined, undefined],
  ])('that says Retry-After: %s is to be waited for so many seconds', (header, seconds) => {
    const headers = header === undefined ? {} : { 'retry-after': header };
    expect(answer(429, '', headers).retryAfter).toBe(seconds);
    expect(fromStatus('read log', 429, '', headers).retryAfter).toBe(seconds);
  });
});

describe('no answer', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' });

  it.each([
    ['a refused connection', refused, /ECONNREFUSED/],
    ['a failed fetch', new TypeError('fetch failed', { cause: refused }), /ECONNREFUSED/],
    ['a lost socket', Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }), /ECONNRESET: socket hang up/],
    ['our own deadline', new DOMException('The operation was aborted due to timeout', 'TimeoutError'), /timeout/],
    ['something that is no error', 'gone', /gone/],
  ])('because of %s is unclear, and says why', (_, error, why) => {
    const told = toApiError(error, 'create Job hf-x');
    expect(told).toMatchObject({ kind: 'unclear', status: undefined, cause: error });
    expect(told.message).toMatch(/^create Job hf-x: no answer \(/);
    expect(told.message).toMatch(why);
  });
});

it('an error that has its meaning keeps it', () => {
  const error = new ApiError('conflict', 'm');
  expect(toApiError(error, 'another call')).toBe(error);
  expect(isApiError(error)).toBe(true);
  expect(isApiError(error, 'absent')).toBe(false);
  expect(isApiError(new Error('m'))).toBe(false);
});
