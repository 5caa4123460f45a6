/** A failure as a person reads it: what happened, why, what to do. */
import type { Failure, FieldProblem } from '../failure.ts';
import { plain } from '../terminal.ts';

/** Lines of problems that are shown; `--json` has them all. */
const SHOWN = 20;

export function showFailure({ code, message, problems, next }: Failure): string {
  // Elsewhere the sentence itself has them all: a list would say them twice.
  const listed = code === 'INPUT_INVALID' ? (problems ?? []) : [];
  const shown = listed.slice(0, SHOWN).map((problem) => `  ${showProblem(problem)}`);
  const rest = listed.length - shown.length;
  const headline = shown.length > 0 ? message.replace(/(problems?)[.:].*$/s, '$1:') : message;
  return [
    `holdfast: ${plain(headline)}`,
    ...shown,
    ...(rest > 0 ? [`  And ${rest} more; --json lists them.`] : []),
    `next: ${plain(next)}`,
  ].join('\n');
}

/** Most messages go on from the name of what they are about; the others are sentences of their own. */
export function showProblem({ field, message }: FieldProblem): string {
  if (field === '') return plain(message);
  const goesOn = /^(?:is|has|gives|must|was|unpacks|holds|take|takes|may)\b/.test(message);
  return plain(`${optionOf(field)}${goesOn ? '' : ':'} ${message}`);
}

/** Longest first: `resources.cpu` is `--cpu`, not something of `--resources`. */
const OPTIONS: Readonly<Record<string, string>> = {
  'resources.cpu': '--cpu',
  'resources.memory': '--memory',
  'resources.tmp': '--tmp',
  'resources.devices': '--device',
  gracePeriod: '--grace',
  runtimeClass: '--runtime-class',
  nodeSelector: '--node-selector',
  sampleTimeout: '--sample-timeout',
  olderThan: '--older-than',
  files: '--file',
  command: 'The command',
  args: 'The arguments',
};

/** The name a person typed for a field of a task: `files[0].path` is `--file (path of the 1st)`. */
export function optionOf(field: string): string {
  const known = Object.entries(OPTIONS).find(
    ([name]) => field === name || (/^[.[]/.test(field.slice(name.length)) && field.startsWith(name)),
  );
  const [name, option] = known ?? [/^\w+/.exec(field)?.[0] ?? field, `--${/^\w+/.exec(field)?.[0] ?? field}`];
  const rest = field.slice(name.length);
  return rest === '' ? option : `${option} ${restOf(rest)}`;
}

function restOf(rest: string): string {
  const [, index, member] = /^\[(\d+)\](?:\.(\w+))?$/.exec(rest) ?? [];
  if (index === undefined) return rest.replace(/^\./, '').replace(/^\["(.*)"\]$/, '$1');
  const place = `no. ${Number(index) + 1}`;
  return member === undefined ? place : `${place}, its ${member},`;
}
