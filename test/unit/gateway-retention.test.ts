import { afterEach, describe, expect, it, vi } from 'vitest';
import type { HoldfastClient } from '../../src/client.ts';
import { checkRetention, retentionOf, spoken } from '../../src/gateway/retention.ts';

/** gRPC's answer that is none. */
function failure(code: number, details: string): Error {
  return Object.assign(new Error(`${code} ${details}`), { code, details });
}
const away = failure(14, 'nobody listens');

/** A Temporal whose namespace keeps what has ended so long; undefined: it does not say. Or it fails, in turn. */
function keeping(seconds: number | undefined, ...failures: Error[]) {
  let asked = 0;
  const config = seconds === undefined ? {} : { workflowExecutionRetentionTtl: { seconds } };
  const describeNamespace = async () => {
    asked += 1;
    const failure = failures.shift();
    if (failure !== undefined) throw failure;
    return { config };
  };
  const client = {
    temporal: {
      options: { namespace: 'ns' },
      workflowService: { describeNamespace },
      withDeadline: (_: number, question: () => Promise<unknown>) => question(),
    },
  } as unknown as HoldfastClient;
  return { deps: { client }, asked: () => asked };
}

const DAY = 86_400;

afterEach(() => vi.useRealTimers());

describe('how long tasks are answered for', () => {
  it('is asked once, and said as people say it', async () => {
    const { deps, asked } = keeping(3 * DAY);
    expect([await retentionOf(deps), await retentionOf(deps), asked()]).toEqual([3 * DAY, 3 * DAY, 1]);
    expect([3_600, DAY, 3 * DAY, undefined].map(spoken)).toEqual([
      '1 hour',
      '24 hours',
      '3 days',
      'its retention period',
    ]);
  });

  it('is asked again within seconds if nobody answered, and then no more', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const { deps, asked } = keeping(DAY, away);
    expect([await retentionOf(deps), await retentionOf(deps), asked()]).toEqual([undefined, undefined, 1]);
    vi.advanceTimersByTime(5_000);
    expect([await retentionOf(deps), asked()]).toEqual([DAY, 2]);
    vi.advanceTimersByTime(299_999);
    expect([await retentionOf(deps), asked()]).toEqual([DAY, 2]);
  });

  it('is refused at the start if it is shorter than was asked for, with the command that makes it longer', async () => {
    await expect(checkRetention(keeping(DAY).deps, 72)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('`temporal operator namespace update --namespace ns --retention 72h`'),
    });
    await checkRetention(keeping(3 * DAY).deps, 72);
    await checkRetention(keeping(undefined).deps, 72);
  });

  it('is not taken for enough at the start because nobody answers, or nobody knows the namespace', async () => {
    const start = (failure: Error) => expect(checkRetention(keeping(3 * DAY, failure).deps, 72)).rejects;
    await start(away).toMatchObject({
      code: 'TEMPORAL_UNREACHABLE',
      message: 'Temporal does not describe its namespace ns: Nobody listens.',
    });
    await start(failure(5, 'not found')).toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'Temporal has no namespace "ns".',
    });
  });
});
