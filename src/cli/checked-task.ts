/** The door, with what the command line found before it: one refusal that lists everything. */
import type { StartOptions } from '../client/task-client.ts';
import type { Task } from '../contract.ts';
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
export async function checkedTask({ input, problems }: Draft, { id, priority }: Named = {}): Promise<CheckedTask> {
  const { checkStart } = await import('../schemas.ts');
  const { task, ...named } = checkStart({ task: input, id, priority: number(priority) }, problems);
  return { task, named };
}
