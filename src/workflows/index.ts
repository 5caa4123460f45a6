/** The bundle's entry: workflows and, by name, the interceptor module beside it. */
export { runTask } from './run-task.ts';
export { sweepOnce } from './sweep-once.ts';
