/** How a kill is asked for and answered on the wire. */
import { z } from 'zod';
import type { KillReport } from '../../kill/contract.ts';
import { duration } from '../../schemas/fields.ts';
import { ALREADY, LONGEST_WAIT, reason } from './cancel.ts';
import { OUTCOMES } from './task.ts';

export const killRequest = z
  .strictObject({
    reason: reason.describe("Why; it is in Temporal's history.").exactOptional(),
    wait: duration('0s', LONGEST_WAIT)
      .describe(`How long the nodes may take to say that the containers ended, 0s to ${LONGEST_WAIT}. Default 30s.`)
      .exactOptional(),
  })
  .meta({ id: 'KillRequest', examples: [{ reason: 'its node is stuck', wait: '1m' }] });

export const KILL_ANSWERS = ['killed', 'killed_unproved', ...ALREADY] as const satisfies KillReport['answer'][];

const pod = z
  .object({
    name: z.string(),
    node: z.string().nullable(),
    end: z.enum(['never_ran', 'terminated', 'may_run']).describe("What the node's own word proves. may_run: nothing."),
    node_state: z.enum(['ready', 'not_ready', 'gone', 'unknown']).nullable().describe('Only of a Pod that may run.'),
    why: z.string().nullable(),
  })
  .meta({ id: 'KilledPod' });

const stillThere = z
  .object({ kind: z.enum(['ConfigMap', 'Job', 'Pod']), name: z.string(), why: z.string() })
  .meta({ id: 'StillThere' });

export const killAnswer = z
  .object({
    task_id: z.string(),
    answer: z
      .enum(KILL_ANSWERS)
      .describe(
        'killed: proved, nothing of it runs. killed_unproved: it is ended in Temporal, and what is listed may run or is still there. already_…: how it had ended when the kill came.',
      ),
    was: z.enum(['open', 'forgotten', ...OUTCOMES]).describe('How the task stood when the kill came.'),
    pods: z.array(pod).describe('Every Pod of the task that was seen.'),
    left: z.array(stillThere).describe('What did not go; empty if all is gone.'),
  })
  .meta({
    id: 'KillAnswer',
    examples: [
      {
        task_id: 'nightly',
        answer: 'killed_unproved',
        was: 'open',
        pods: [
          {
            name: 'hf-nightly-1055dda80adf1ff6d51f-x7k2p',
            node: 'node-3',
            end: 'may_run',
            node_state: 'not_ready',
            why: 'its node did not say within 30 s that it ended',
          },
        ],
        left: [],
      },
    ],
  });

export type WireKill = z.infer<typeof killAnswer>;

export function wireKill({ taskId, answer, was, pods, left }: KillReport): WireKill {
  const seen = pods.map(({ name, node = null, end, nodeState: node_state = null, why = null }) => ({
    name,
    node,
    end,
    node_state,
    why,
  }));
  return { task_id: taskId, answer, was, pods: seen, left: [...left] };
}
