/** Pure: the words after `kill` to what they mean, or everything that is wrong with them. */
import type { KillFilter } from '../kill/contract.ts';
import { DURATION_ACCEPTED, tryDuration } from '../settings.ts';
import type { FieldProblem } from './failure.ts';
import { reasonProblems } from './reason.ts';
import { refusedInput } from './refused-input.ts';

export interface KillWords {
  readonly reason?: string;
  readonly wait?: string;
  readonly workload?: string;
  readonly label?: readonly string[];
  readonly olderThan?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export type KillMeaning =
  | { readonly of: 'one'; readonly taskId: string; readonly waitSeconds?: number }
  | {
      readonly of: 'many';
      readonly filter: KillFilter;
      readonly ask: 'no' | 'yes' | 'only list';
      readonly waitSeconds?: number;
    };

const LONGEST_WAIT = 600;
/** As Kubernetes has it, with an optional prefix; a comma would be a second condition. */
const LABEL =
  /^((?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9](?:[-\w.]{0,61}[A-Za-z0-9])?)=([A-Za-z0-9](?:[-\w.]{0,61}[A-Za-z0-9])?)$/;

/** @throws HoldfastError INPUT_INVALID with every problem. `isAsked`: whether somebody sits there who can answer. */
export function killMeaning(taskId: string | undefined, words: KillWords, isAsked: boolean): KillMeaning {
  const problems: FieldProblem[] = [];
  const refuse = (field: string, message: string) => void problems.push({ field, message });
  const filter = filterOf(words, refuse);
  const waitSeconds = spanOf('wait', words.wait, refuse);
  if (waitSeconds !== undefined && waitSeconds > LONGEST_WAIT) refuse('wait', 'is longer than 10m.');
  problems.push(...reasonProblems(words.reason ?? ''));
  const isMany = Object.keys(filter).length > 0;
  if (taskId === undefined && !isMany && problems.length === 0)
    refuse('', 'Name a task, or say which tasks are meant: --workload, --label or --older-than.');
  if (taskId !== undefined && (isMany || words.dryRun))
    refuse(
      '',
      'A task that is named is killed alone; leave out its id, or --workload, --label, --older-than and --dry-run.',
    );
  const ask = words.dryRun ? 'only list' : words.yes ? 'no' : 'yes';
  if (isMany && ask === 'yes' && (!isAsked || words.json))
    refuse(
      '',
      'Nobody can be asked whether these tasks are meant: give --dry-run to list them, and --yes to kill them.',
    );
  if (problems.length > 0) throw refusedInput(...problems);
  const wait = waitSeconds === undefined ? {} : { waitSeconds };
  return taskId === undefined ? { of: 'many', filter, ask, ...wait } : { of: 'one', taskId, ...wait };
}

type Refuse = (field: string, message: string) => void;

function filterOf({ workload, label, olderThan }: KillWords, refuse: Refuse): KillFilter {
  const olderThanSeconds = spanOf('olderThan', olderThan, refuse);
  const labels: Record<string, string> = {};
  for (const text of label ?? []) {
    const [, name, value] = LABEL.exec(text) ?? [];
    if (name === undefined || value === undefined)
      refuse('label', `is ${JSON.stringify(text)}; write it as NAME=VALUE, as Kubernetes has labels.`);
    else if (Object.hasOwn(labels, name)) refuse('label', `gives ${name} twice.`);
    else labels[name] = value;
  }
  if (workload !== undefined && !LABEL.test(`workload=${workload}`))
    refuse('workload', `is ${JSON.stringify(workload)}; it must be the name of a workload.`);
  return {
    ...(workload !== undefined && { workload }),
    ...(label !== undefined && { labels }),
    ...(olderThanSeconds !== undefined && { olderThanSeconds }),
  };
}

function spanOf(field: string, text: string | undefined, refuse: Refuse): number | undefined {
  if (text === undefined) return undefined;
  const seconds = tryDuration(text);
  if (seconds === undefined) refuse(field, `is ${JSON.stringify(text)}. ${DURATION_ACCEPTED}`);
  return seconds;
}
