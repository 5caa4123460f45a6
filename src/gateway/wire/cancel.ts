/** How a cancel is asked for and answered on the wire. */
import { z } from 'zod';
import { LIMITS } from '../../contract.ts';
import { duration } from '../../schemas/fields.ts';
import { outcome, OUTCOMES, phase, started, time, WORKLOADS } from './task.ts';

/** Longest wait for the proof in one request. */
export const LONGEST_WAIT = '5m';
/** The default grace period, and the seconds that deleting and proving take. */
const DEFAULT_WAIT = '10s';

export const wait = duration('0s', LONGEST_WAIT).default(DEFAULT_WAIT);

export const reason = z
  .string()
  .max(LIMITS.reasonLength, `has too many characters; at most ${LIMITS.reasonLength.toLocaleString('en')} are kept.`);

export const cancelRequest = z
  .strictObject({ reason: reason.describe('Why; it is kept with the task.').exactOptional() })
  .meta({ id: 'CancelRequest', examples: [{ reason: 'the user left the page' }] });

/** How a task had ended when a cancel or a kill came. */
export const ALREADY = [
  'already_cancelled',
  'already_completed',
  'already_failed',
  'already_terminated',
  'already_timed_out',
] as const;
export const CANCEL_STATUSES = ['cancelled', 'cancelling', ...ALREADY] as const;
export type CancelStatus = (typeof CANCEL_STATUSES)[number];

export const cancelAnswer = z
  .object({
    task_id: z.string(),
    status: z
      .enum(CANCEL_STATUSES)
      .describe(
        'cancelled: proved, nothing of it runs. cancelling: recorded, and goes on. already_…: how it had ended when the cancel came.',
      ),
    message: z.string().describe('The same in a sentence.'),
    outcome: outcome.nullable(),
    phase,
    started,
    requested_at: time
      .nullable()
      .describe('When Temporal recorded the first cancel of the task; null if there is none.'),
    completed_at: time.nullable().describe('When the task ended, however it did.'),
    cancelled_at: time.nullable().describe('When the task ended by its cancel; null if it did not.'),
    cancellation_reason: z.string().nullable().describe('As the first cancel gave it; null if there is none.'),
    left: z.array(z.string()).describe('While it is cancelling: what of it is still there, by kind and name.'),
  })
  .meta({
    id: 'CancelAnswer',
    examples: [
      {
        task_id: '664f8c11-1852-45c0-8694-8ad99abc1939',
        status: 'already_completed',
        message: 'Task 664f8c11-1852-45c0-8694-8ad99abc1939 was already completed before the cancellation request.',
        outcome: 'succeeded',
        phase: 'ended',
        started: true,
        requested_at: null,
        completed_at: '2026-01-15T12:28:41.000Z',
        cancelled_at: null,
        cancellation_reason: null,
        left: [],
      },
    ],
  });

export type WireCancel = z.infer<typeof cancelAnswer>;

export const STATUS_FILTER = ['running', ...OUTCOMES] as const;

const moment = z.iso.datetime({ offset: true, error: 'must be a time such as 2026-01-15T12:28:41Z.' });

/** Which tasks are meant; all conditions hold. */
export const filterShape = {
  workload: z.enum(WORKLOADS).exactOptional(),
  id_prefix: z.string().min(1).max(200).describe('Tasks whose id begins so.').exactOptional(),
  started_after: moment.describe('RFC 3339; taken in at or after this moment.').exactOptional(),
  started_before: moment.describe('RFC 3339; taken in before this moment.').exactOptional(),
};

export const pageToken = z.string().min(1).max(4_000);

/** The most that one bulk cancel ends. */
export const BULK_LIMIT = 1_000;

export const bulkRequest = z
  .strictObject({
    filter: z
      .strictObject(filterShape)
      .describe('Which running tasks; with no condition, all of them.')
      .meta({ id: 'BulkFilter' }),
    limit: z
      .int()
      .min(1)
      .max(BULK_LIMIT)
      .describe(`The most that are cancelled. Default ${BULK_LIMIT}.`)
      .default(BULK_LIMIT),
    page_token: pageToken
      .describe('`next_page_token` of the answer before, to the same filter: goes on with the tasks behind it.')
      .exactOptional(),
    reason: reason.exactOptional(),
    dry_run: z.boolean().describe('Only says which tasks it would cancel. Default false.').default(false),
  })
  .meta({
    id: 'BulkCancelRequest',
    examples: [{ filter: { id_prefix: 'nightly-' }, reason: 'wrong model', dry_run: true }],
  });

export const bulkAnswer = z
  .object({
    dry_run: z.boolean(),
    matched: z.number().describe('How many tasks are listed below.'),
    tasks: z.array(
      z.object({
        task_id: z.string(),
        status: z.enum(['would_cancel', 'not_reached', ...CANCEL_STATUSES]),
        message: z.string(),
      }),
    ),
    next_page_token: z
      .string()
      .nullable()
      .describe(`Where the next request goes on: one cancels at most ${BULK_LIMIT}. null if there are no more.`),
  })
  .meta({
    id: 'BulkCancelAnswer',
    examples: [
      {
        dry_run: true,
        matched: 1,
        tasks: [{ task_id: 'nightly-1', status: 'would_cancel', message: 'It would be cancelled.' }],
        next_page_token: null,
      },
    ],
  });

export type WireBulk = z.infer<typeof bulkAnswer>;
