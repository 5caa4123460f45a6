/** The door, with what the command line found before it: one refusal that lists everything. */
import type { StartOptions } from '../client/task-client.ts';
import type { Task } from '../contract.ts';
import { HoldfastError } from '../errors.ts';
import type { FieldProblem } from './failure.ts';
import { refusedInput } from './refused-input.ts';
import { type Draft, number } from './task-options.ts';

/** As they were written. */
interface Named {
  readonly id?: string;
  readonly priority?: string;
}

export interface CheckedTask {
  readonly task: Task;
  readonly named: StartOptions;
}

/**
 * The task that was meant, whole, and what it is started with, if that was given.
 * @throws HoldfastError INPUT_INVALID, INPUT_TOO_LARGE
 */
export async function checkedTask(draft: Draft, { id, priority }: Named = {}): Promise<CheckedTask> {
  const { checkPriority, checkTask, checkTaskId } = await import('../schemas.ts');
  const ours = draft.problems;
  const ofId = id === undefined ? [] : refused(() => checkTaskId(id)).problems;
  const ofPriority = priority === undefined ? undefined : refused(() => checkPriority(number(priority)));
  const { value, problems: theirs } = refused(() => checkTask(draft.input));
  // The door says "is missing" of what we could not read or understand, and have told about already.
  const told = new Set(ours.map(({ field }) => field));
  const problems = [
    ...ofId,
    ...(ofPriority?.problems ?? []),
    ...ours,
    ...theirs.filter(({ field }) => !told.has(field)),
  ];
  if (problems.length === 0 && value !== undefined)
    return {
      task: value,
      named: {
        ...(id !== undefined && { id }),
        ...(ofPriority?.value !== undefined && { priority: ofPriority.value }),
      },
    };
  throw refusedInput(...problems);
}

function refused<T>(check: () => T): { readonly value?: T; readonly problems: readonly FieldProblem[] } {
  try {
    return { value: check(), problems: [] };
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'INPUT_INVALID') throw error;
    return { problems: (error.facts['problems'] ?? []) as readonly FieldProblem[] };
  }
}
