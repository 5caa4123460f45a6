/** What stands in paths and queries. */
import { z } from 'zod';
import { filterShape, LONGEST_WAIT, pageToken, STATUS_FILTER, wait } from './cancel.ts';

/** Temporal's own limit; ids that Holdfast gives are shorter. */
const id = z.string().min(1).max(1_000).describe("The task's id.");
const workload = z.string().describe('A workload that there is, e.g. command.');

export const idParameter = z.object({ id });
export const workloadParameter = z.object({ workload });
export const workloadAndIdParameters = z.object({ workload, id });

export const waitQuery = z.strictObject({
  wait: wait.describe(`How long to wait for the proof that nothing of it runs, 0s to ${LONGEST_WAIT}.`),
});

const statusFilter = z.enum(STATUS_FILTER);
/** `?status=failed&status=cancelled`, and once as often. */
const statuses = z.preprocess((given) => (typeof given === 'string' ? [given] : given), z.array(statusFilter).max(6));

const PAGE = { least: 1, most: 200, usual: 50 };
const limit = z
  .string()
  .refine((text) => /^\d{1,3}$/.test(text) && Number(text) >= PAGE.least && Number(text) <= PAGE.most, {
    error: `must be a whole number from ${PAGE.least} to ${PAGE.most}.`,
  })
  .transform(Number)
  .default(PAGE.usual)
  .describe(`How many at most, ${PAGE.least} to ${PAGE.most}. A page may have fewer.`);

export const listQuery = z.strictObject({
  ...filterShape,
  status: statuses.describe('running, or an outcome; several mean any of them.').exactOptional(),
  limit,
  page_token: pageToken.describe('`next_page_token` of the page before.').exactOptional(),
});

export const resumeHeaders = z.object({
  'last-event-id': z
    .string()
    .max(4_000)
    .describe('Id of the last event that was had; what came after it is sent.')
    .exactOptional(),
});

export const logsQuery = z.strictObject({
  follow: z
    .enum(['true', 'false', ''])
    .default('false')
    .transform((text) => text !== 'false')
    .describe('Wait for more until the task has ended.'),
});
