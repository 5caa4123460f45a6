/** From the words of the command line to the task they mean. Pure: files were read before, see input-files.ts. */
import type { CommandTask, EvaluationTask, TaskSettings } from '../contract.ts';
import { packJsonLines } from '../workloads/json-lines.ts';
import type { FieldProblem } from './failure.ts';
import type { FileRead } from './input-files.ts';

/** As commander gives them: text, or lists of text for what may be said more than once. */
export interface SettingOptions {
  readonly timeout?: string;
  readonly grace?: string;
  readonly cpu?: string;
  readonly memory?: string;
  readonly tmp?: string;
  readonly device?: readonly string[];
  readonly runtimeClass?: string;
  readonly nodeSelector?: readonly string[];
  readonly network?: string;
  readonly retries?: string;
}

export interface EvaluationOptions extends SettingOptions {
  readonly problems?: string;
  readonly samples?: string;
  readonly image?: string;
  readonly sampleTimeout?: string;
  readonly parallel?: string;
}

export interface CommandOptions extends SettingOptions {
  readonly image?: string;
  readonly entrypoint?: string;
  readonly keepEntrypoint?: boolean;
  readonly file?: readonly string[];
  readonly env?: readonly string[];
}

/** What was meant, as far as it could be told: the door (schemas.ts) judges `input`, `problems` came before that. */
export interface Draft {
  readonly input: Readonly<Record<string, unknown>>;
  readonly problems: readonly FieldProblem[];
}

/** Values as a person wrote them, in the places of a task: the door refuses what does not fit. */
type Unchecked<T> = { readonly [K in keyof T]?: unknown };

export function evaluationDraft(options: EvaluationOptions, files: ReadonlyMap<string, FileRead>): Draft {
  const settings = settingsDraft(options);
  const [problems, samples] = [linesOf('problems', options, files), linesOf('samples', options, files)];
  const input: Unchecked<EvaluationTask> = {
    workload: 'evaluation',
    ...('lines' in problems && { problems: problems.lines }),
    ...('lines' in samples && { samples: samples.lines }),
    ...given({ image: options.image }),
    ...given({ sampleTimeout: number(options.sampleTimeout), parallel: number(options.parallel) }),
    ...settings.input,
  };
  const unreadable = [problems, samples].flatMap((lines) => ('problem' in lines ? [lines.problem] : []));
  return { input, problems: [...unreadable, ...settings.problems] };
}

function linesOf(field: 'problems' | 'samples', options: EvaluationOptions, files: ReadonlyMap<string, FileRead>) {
  const path = options[field];
  if (path === undefined)
    return { problem: { field, message: 'is missing; it must be a file of JSON lines, plain or gzipped.' } };
  const file = files.get(path);
  if (file === undefined || 'message' in file) return { problem: { field, message: file?.message ?? 'was not read.' } };
  return { lines: packJsonLines(file.bytes) };
}

/**
 * Words after `--` are run as given, as `kubectl exec` and `kubectl create job` do. With an entry point named, or the
 * image's own kept, they are its arguments, as in `docker run`.
 */
export function commandDraft(
  options: CommandOptions,
  words: readonly string[],
  files: ReadonlyMap<string, FileRead>,
): Draft {
  const settings = settingsDraft(options);
  const env = pairs('env', options.env);
  const inputs = (options.file ?? []).map((spec, index) => inputFile(spec, index, files));
  const input: Unchecked<CommandTask> = {
    workload: 'command',
    ...given({ image: options.image }),
    ...commandWords(options, words),
    ...(options.env && { env: env.values }),
    ...(options.file && { files: inputs.flatMap((file) => ('file' in file ? [file.file] : [])) }),
    ...settings.input,
  };
  const unusable = inputs.flatMap((file) => ('problem' in file ? [file.problem] : []));
  return { input, problems: [...twoEntryPoints(options), ...env.problems, ...unusable, ...settings.problems] };
}

function commandWords(
  { entrypoint, keepEntrypoint }: CommandOptions,
  words: readonly string[],
): Unchecked<CommandTask> {
  const asArgs = words.length > 0 ? { args: words } : {};
  if (entrypoint !== undefined) return { command: [entrypoint], ...asArgs };
  if (keepEntrypoint || words.length === 0) return asArgs;
  return { command: words };
}

function twoEntryPoints({ entrypoint, keepEntrypoint }: CommandOptions): FieldProblem[] {
  if (entrypoint === undefined || !keepEntrypoint) return [];
  return [{ field: 'command', message: '--entrypoint replaces what --keep-entrypoint keeps; give one of the two.' }];
}

/** `host:container[:mode]`: the container's path is the part that begins with a slash and has no colon in it. */
export function fileSpec(spec: string): { host: string; path: string; mode?: string } | undefined {
  const match = /^(.+?):(\/[^:]*)(?::([^:/]*))?$/.exec(spec);
  const [, host, path, mode] = match ?? [];
  if (host === undefined || path === undefined) return undefined;
  return { host, path, ...(mode !== undefined && { mode }) };
}

function inputFile(spec: string, index: number, files: ReadonlyMap<string, FileRead>) {
  const field = `files[${index}]`;
  const parts = fileSpec(spec);
  if (parts === undefined)
    return { problem: { field, message: `is ${JSON.stringify(spec)}; write it as host:/path/in/container[:mode].` } };
  const { host, path, mode } = parts;
  const read = files.get(host);
  if (read === undefined || 'message' in read)
    return { problem: { field, message: read?.message ?? `${host} was not read.` } };
  if (mode !== undefined && !/^(?:0o?)?[0-7]{3}$/.test(mode))
    return { problem: { field, message: `has the mode ${JSON.stringify(mode)}; write it in octal, e.g. 555.` } };
  const bits = mode === undefined ? (read.isExecutable ? 0o555 : 0o444) : Number.parseInt(mode.slice(-3), 8);
  return { file: { path, base64: Buffer.from(read.bytes).toString('base64'), mode: bits } };
}

function settingsDraft(options: SettingOptions): Draft {
  const devices = pairs('resources.devices', options.device);
  const labels = pairs('nodeSelector', options.nodeSelector);
  const counts = Object.fromEntries(Object.entries(devices.values).map(([name, count]) => [name, number(count)]));
  const resources = {
    ...given({ cpu: options.cpu, memory: options.memory, tmp: options.tmp }),
    ...(options.device && { devices: counts }),
  };
  const input: Unchecked<TaskSettings> = {
    ...given({ timeout: options.timeout, gracePeriod: options.grace }),
    ...(Object.keys(resources).length > 0 && { resources }),
    ...given({ runtimeClass: options.runtimeClass, network: options.network, retries: number(options.retries) }),
    ...(options.nodeSelector && { nodeSelector: labels.values }),
  };
  return { input, problems: [...devices.problems, ...labels.problems] };
}

/** `K=V` each; the value may hold further equals signs, or nothing. */
function pairs(field: string, given: readonly string[] = []) {
  const values: Record<string, string> = {};
  const problems: FieldProblem[] = [];
  for (const text of given) {
    const [name, value] = [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)];
    if (!text.includes('=') || name === '')
      problems.push({ field, message: `is ${JSON.stringify(text)}; write it as NAME=VALUE.` });
    else if (Object.hasOwn(values, name)) problems.push({ field, message: `gives ${name} twice.` });
    else values[name] = value;
  }
  return { values, problems };
}

/** A number if it is one; else the text, which the door refuses with what is accepted. */
export function number(text: string | undefined): number | string | undefined {
  return text === undefined || text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
}

function given<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}
