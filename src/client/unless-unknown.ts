import { HoldfastError } from '../errors.ts';

/** Undefined if there is no such task; other refusals are thrown. */
export async function unlessUnknown<T>(asked: Promise<T>): Promise<T | undefined> {
  return asked.catch((error: unknown) => {
    if (error instanceof HoldfastError && error.code === 'TASK_UNKNOWN') return undefined;
    throw error;
  });
}
