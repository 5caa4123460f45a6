/** The bundle's entry: workflows and, by name, the interceptor module beside it. */
export { limiter } from './limiter.ts';
export { runTask } from './run-task.ts';
export { sweepOnce } from './sweep-once.ts';
