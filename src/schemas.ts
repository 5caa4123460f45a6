/**
 * The door: whatever comes in is a task of contract.ts, or is refused with everything that is wrong with it before
 * anything is created. Only doors (client, gateway, CLI, config) import this; the rest takes `settle` of settings.ts.
 */
import { z } from 'zod';
import type { EvaluationTask, Task, WorkloadName } from './contract.ts';
import { HoldfastError } from './errors.ts';
import * as fields from './schemas/fields.ts';
import { problemsOf, show, type InputProblem } from './schemas/sentences.ts';
import { checkSize, filesStored, suiteStored, type Given, type Stored } from './schemas/size.ts';
import { checkSuite, UNPACKED_LIMIT } from './schemas/suite.ts';

export type { InputProblem } from './schemas/sentences.ts';
export { parseDuration, settle, type SettledSettings } from './settings.ts';

/** Problems that one refusal lists; what is beyond is counted. */
const LISTED = 100;

/** An absent field and one that is `undefined` are the same thing, as they are in JSON. */
function fieldsGiven(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, given]) => given !== undefined));
}

function strict<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.preprocess(fieldsGiven, z.strictObject(shape));
}

const resourcesShape = {
  cpu: fields.quantity('10m', '256', 0.001, '500m or 2').describe('Cores, 10m to 256. Default 1.').exactOptional(),
  memory: fields
    .quantity('16Mi', '16Ti', 1, '512Mi or 4Gi')
    .describe('Memory, 16Mi to 16Ti. Default 512Mi.')
    .exactOptional(),
  devices: fields.devices.describe('Extended resources by name, e.g. nvidia.com/gpu. Default none.').exactOptional(),
  tmp: fields
    .quantity('1Mi', '1Ti', 1, '64Mi')
    .describe('Size of /tmp, the only place to write to, 1Mi to 1Ti. Default 64Mi.')
    .exactOptional(),
};

const settingsShape = {
  timeout: fields
    .duration('1s', '7d')
    .describe(
      'From the start of the Job to its forced end, waiting for a node and the image included, 1s to 7d. Default 1h.',
    )
    .exactOptional(),
  gracePeriod: fields
    .duration('0s', '10m')
    .describe('Between SIGTERM and SIGKILL, 0s to 10m. Default 5s.')
    .exactOptional(),
  resources: strict(resourcesShape).exactOptional(),
  runtimeClass: fields.runtimeClass.describe('Kubernetes RuntimeClass, e.g. gvisor.').exactOptional(),
  nodeSelector: fields.nodeSelector.describe('Labels that a node must have.').exactOptional(),
  network: z.enum(['none', 'cluster']).describe('Whether it may use the network. Default none.').exactOptional(),
  retries: fields.retries
    .describe('How often it runs anew when the platform took its Pod away, 0 to 10. Default 0.')
    .exactOptional(),
};

const fileShape = {
  path: fields.filePath.describe('Absolute path in the container.'),
  base64: fields.base64.describe('The bytes in base64; this or text.').exactOptional(),
  text: z.string().exactOptional(),
  mode: fields.fileMode
    .describe('Permission bits as a number, e.g. 365 for 0o555. Default 292, which is 0o444.')
    .exactOptional(),
};

const commandShape = {
  workload: z.literal('command'),
  image: fields.image,
  command: z.array(fields.argument).min(1, 'is empty; leave it out to run what the image runs.').exactOptional(),
  args: z
    .array(fields.argument)
    .describe('Arguments of the command, or of the entry point of the image.')
    .exactOptional(),
  env: fields.env.describe('Variables of the container.').exactOptional(),
  files: z.array(strict(fileShape)).max(100, 'has too many files; at most 100 are accepted.').exactOptional(),
  ...settingsShape,
};

const evaluationShape = {
  workload: z.literal('evaluation'),
  // Their own check says more than a schema can, missing ones included: see schemas/suite.ts.
  problems: z.custom<EvaluationTask['problems']>(() => true).exactOptional(),
  samples: z.custom<EvaluationTask['samples']>(() => true).exactOptional(),
  sampleTimeout: fields.sampleTimeout
    .describe('Seconds that one sample may run, 0.1 to 600. Default 3.')
    .exactOptional(),
  parallel: fields.parallel.describe('Samples at the same time, 1 to 64. Default: the cores.').exactOptional(),
  image: fields.image.exactOptional(),
  ...settingsShape,
};

interface Door<Accepted extends Task> {
  /** What the HTTP API's description is made of, too. */
  readonly shape: z.ZodRawShape;
  readonly task: z.ZodType<Accepted>;
  readonly stored: Stored;
  /** What is wrong between fields, or within one, that no shape can say. */
  readonly beyondShape: (given: Given) => readonly InputProblem[];
}

export const doors: { readonly [Name in WorkloadName]: Door<Extract<Task, { readonly workload: Name }>> } = {
  command: { shape: commandShape, task: strict(commandShape), stored: filesStored, beyondShape: checkFiles },
  evaluation: {
    shape: evaluationShape,
    // `checkLines` makes sure of problems and samples; nothing is returned before it has.
    task: strict(evaluationShape) as unknown as z.ZodType<EvaluationTask>,
    stored: suiteStored,
    beyondShape: checkLines,
  },
};

function isKnown(workload: unknown): workload is WorkloadName {
  return typeof workload === 'string' && Object.hasOwn(doors, workload);
}

/** The names of the fields that an object may have, for the sentence about one that it may not. */
function acceptedFields(whole: z.ZodRawShape, path: readonly PropertyKey[]): string {
  const shape = path[0] === 'resources' ? resourcesShape : path[0] === 'files' ? fileShape : whole;
  return Object.keys(shape).join(', ');
}

/**
 * The input as a task, or a refusal that lists everything wrong with it by field, in `facts.problems`.
 * @throws HoldfastError INPUT_TOO_LARGE (`facts.limit`, `facts.actual`, bytes) or INPUT_INVALID.
 */
export function checkTask(input: unknown): Task {
  return checkStart({ task: input }).task;
}

const names = strict({ id: fields.taskId.exactOptional(), priority: fields.priority.exactOptional() });

export interface CheckedStart {
  readonly task: Task;
  readonly id?: string;
  readonly priority?: number;
}

/**
 * A task with the id and the priority that it is started with, or one refusal of all that is wrong with any of them.
 * `found` is wrong, too, as whoever asks knows: nothing more is said of those fields.
 * @throws HoldfastError INPUT_TOO_LARGE (`facts.limit`, `facts.actual`, bytes) or INPUT_INVALID.
 */
export function checkStart(
  { task: input, ...naming }: { readonly [Part in keyof CheckedStart]: unknown },
  found: readonly InputProblem[] = [],
): CheckedStart {
  const named = names.safeParse(naming, { reportInput: true });
  const { task, problems } = judged(input);
  const told = new Set(found.map(({ field }) => field));
  const more = [...(named.success ? [] : problemsOf(named.error, () => '')), ...problems];
  const all = [...found, ...more.filter(({ field }) => !told.has(field))];
  if (all.length > 0 || !named.success || task === undefined) throw refusal(all);
  return { ...named.data, task };
}

interface Judged {
  /** Absent if it is none. */
  readonly task?: Task;
  readonly problems: readonly InputProblem[];
}

function judged(input: unknown): Judged {
  const given = fieldsGiven(input);
  if (!isRecord(given))
    return { problems: [{ field: '', message: `The task is ${show(input)}; it must be an object.` }] };
  const { workload } = given;
  if (!isKnown(workload)) return { problems: [unknownWorkload(workload), ...settingsOf(given)] };
  const { shape, task, stored, beyondShape } = doors[workload];
  checkSize(given, stored);
  const parsed = task.safeParse(given, { reportInput: true });
  const ofShape = parsed.success ? [] : problemsOf(parsed.error, (path) => acceptedFields(shape, path));
  return { ...(parsed.success && { task: parsed.data }), problems: [...ofShape, ...beyondShape(given)] };
}

function isRecord(value: unknown): value is Given {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unknownWorkload(given: unknown): InputProblem {
  const accepted = Object.keys(doors).join(' or ');
  const was = given === undefined ? 'is missing' : `is ${show(given)}`;
  return { field: 'workload', message: `${was}; it must be ${accepted}.` };
}

/** What can be said of a task whose workload is unknown. */
function settingsOf(given: Given): InputProblem[] {
  const parsed = z.looseObject(settingsShape).safeParse(given, { reportInput: true });
  return parsed.success ? [] : problemsOf(parsed.error, () => Object.keys(resourcesShape).join(', '));
}

/** What is between files: each path once, none inside another, one content each. */
function checkFiles({ files }: Given): InputProblem[] {
  if (!Array.isArray(files)) return [];
  const first = new Map<string, number>();
  return files.flatMap((file: unknown, index): InputProblem[] => {
    if (!isRecord(file)) return [];
    const contents = [file['base64'], file['text']].filter((content) => content !== undefined).length;
    const oneContent = {
      field: `files[${index}]`,
      message: `has ${contents ? 'both' : 'neither'} base64 and text; give exactly one.`,
    };
    return [...(contents === 1 ? [] : [oneContent]), ...checkPlace(first, file['path'], index)];
  });
}

function checkPlace(first: Map<string, number>, path: unknown, index: number): InputProblem[] {
  if (typeof path !== 'string') return [];
  const clash = [...first].find(
    ([other]) => other === path || path.startsWith(`${other}/`) || other.startsWith(`${path}/`),
  );
  if (!clash) first.set(path, index);
  if (!clash) return [];
  const why = clash[0] === path ? 'the same path' : 'a path that cannot be both a file and a directory';
  return [{ field: `files[${index}].path`, message: `is ${show(path)}; files[${clash[1]}] has ${why}.` }];
}

function checkLines(given: Given): readonly InputProblem[] {
  const { problems, tooLarge } = checkSuite(given['problems'], given['samples']);
  if (tooLarge.length === 0) return problems;
  const message = `unpacks to more than ${UNPACKED_LIMIT} bytes, which is the limit; split the suite into several tasks.`;
  const named = tooLarge.map((field) => ({ field, message }));
  const facts = { limit: UNPACKED_LIMIT, problems: [...named, ...problems] };
  throw new HoldfastError('INPUT_TOO_LARGE', `The input is too large: ${said(named)}`, facts);
}

function refusal(problems: readonly InputProblem[]): HoldfastError {
  const listed = problems.slice(0, LISTED);
  const rest = problems.length - listed.length;
  const more = rest > 0 ? [{ field: '', message: `And ${rest} more.` }] : [];
  const message = `The input has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}: ${said(listed.slice(0, 5))}`;
  return new HoldfastError('INPUT_INVALID', message, { problems: [...listed, ...more], total: problems.length });
}

function said(problems: readonly InputProblem[]): string {
  return problems.map(({ field, message }) => (field === '' ? message : `${field} ${message}`)).join(' ');
}
