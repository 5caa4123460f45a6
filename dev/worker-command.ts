import { join } from 'node:path';
import { pathsFrom, repository } from './system/paths.ts';

/**
 * How a worker process is begun, here as in the Dockerfile. V8 and malloc keep what they once had, on a machine with much
 * memory hundreds of megabytes: a young generation of 100 MB for each of two threads, and a heap of malloc's for each core.
 */
export const WORKER_FLAGS: readonly string[] = ['--max-semi-space-size=8'];
export const WORKER_ARGS: readonly string[] = [...WORKER_FLAGS, join(repository, 'src', 'worker.ts')];
/** What V8 has compiled is kept as well, and a start takes a quarter less. */
export const WORKER_ENVIRONMENT = {
  MALLOC_ARENA_MAX: '2',
  NODE_COMPILE_CACHE: join(pathsFrom(process.env).cache, 'compiled'),
} as const;
