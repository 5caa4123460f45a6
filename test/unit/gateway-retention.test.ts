import { describe, expect, it } from 'vitest';
import type { HoldfastClient } from '../../src/client.ts';
import { checkRetention, retentionOf, spoken } from '../../src/gateway/retention.ts';

/** A Temporal whose namespace keeps what has ended so long; undefined: it does not say. */
function keeping(seconds: number | undefined) {
  let asked = 0;
  const config = seconds === undefined ? {} : { workflowExecutionRetentionTtl: { seconds } };
  const describeNamespace = async () => ((asked += 1), { config });
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

  it('is refused at the start if it is shorter than was asked for, with the command that makes it longer', async () => {
    await expect(checkRetention(keeping(DAY).deps, 72)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('`temporal operator namespace update --namespace ns --retention 72h`'),
    });
    await checkRetention(keeping(3 * DAY).deps, 72);
    await checkRetention(keeping(undefined).deps, 72);
  });
});
