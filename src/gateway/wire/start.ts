/** How a task is started on the wire: the task of contract.ts as it is, and an id and a priority beside it. */
import { z } from 'zod';
import type { WorkloadName } from '../../contract.ts';
import { doors } from '../../schemas.ts';

const id = z.string().min(1).max(200).describe('Default: a new one. The same id and task find the task again.');

const jsonLines = z
  .union([
    z.strictObject({ jsonl: z.string().describe('Lines of JSON.') }),
    z.strictObject({ gzip: z.string().describe('The same, gzipped and in base64.') }),
  ])
  .meta({ id: 'JsonLines' });

const priority = z
  .int()
  .min(1)
  .max(5)
  .describe('Who is served first when there is not room for all: 1, first, to 5. Default 3.');
const optional = { id: id.exactOptional(), priority: priority.exactOptional() };

interface Described {
  readonly name: string;
  readonly shape: z.ZodRawShape;
  readonly example: object;
}

const DESCRIBED: Readonly<Record<WorkloadName, Described>> = {
  command: {
    name: 'Command',
    shape: doors.command.shape,
    example: { image: 'busybox:1.36', command: ['sleep', '600'], gracePeriod: '2s' },
  },
  evaluation: {
    name: 'Evaluation',
    shape: { ...doors.evaluation.shape, problems: jsonLines, samples: jsonLines },
    example: {
      problems: {
        jsonl: '{"task_id":"T/0","prompt":"def f():\\n","entry_point":"f","test":"def check(f):\\n  assert f()==1"}',
      },
      samples: { jsonl: '{"task_id":"T/0","completion":"  return 1"}' },
    },
  },
};

/** Described here, checked by `checkStart`, whose sentences say more than a schema's. */
export const startBody = z.union(
  Object.entries(DESCRIBED).map(([workload, { name, shape, example }]) =>
    z.strictObject({ ...shape, ...optional }).meta({ id: `${name}Task`, examples: [{ workload, ...example }] }),
  ),
);

/** The path says which workload. */
export const startBodyOfWorkload = z.union(
  Object.values(DESCRIBED).map(({ name, shape, example }) => {
    const { workload: _, ...fields } = shape;
    return z.strictObject({ ...fields, ...optional }).meta({ id: `${name}Fields`, examples: [example] });
  }),
);

export const startHeaders = z.object({
  'idempotency-key': z
    .string()
    .min(1)
    .max(255)
    .describe('Names the start: the same key with the same task finds the task again, with another it is refused.')
    .exactOptional(),
});

export const startAnswer = z
  .object({
    task_id: z.string(),
    run_id: z.string(),
    is_new: z.boolean().describe('False if exactly this task was there already.'),
  })
  .meta({
    id: 'Started',
    examples: [{ task_id: 'nightly', run_id: '0199e0d4-5a3c-7c43-a1b7-3f0c2c5f1d11', is_new: true }],
  });

export type WireStarted = z.infer<typeof startAnswer>;
