import { join } from 'node:path';
import { pathsFrom, repository } from './system/paths.ts';

/**
 * How a worker process is begun, here as in the Dockerfile. V8 and malloc keep what they once had, on a machine with much
 * memory hundreds of megabytes: a young generation of 100 MB for each of two threads, a heap of malloc's for each core, and
 * as much garbage as there is of use. With a tenth of it, and without holes, a worker of 1,500 tasks has 465 MB, not 816.
 */
export const WORKER_FLAGS: readonly string[] = ['--max-semi-space-size=8', '--heap-growing-percent=10'];
export const WORKER_ARGS: readonly string[] = [...WORKER_FLAGS, join(repository, 'src', 'worker.ts')];
/** What V8 has compiled is kept as well, and a start takes a quarter less. */
export const WORKER_ENVIRONMENT = {
  MALLOC_ARENA_MAX: '2',
  // As it is at first: else it grows with what was freed, and what is freed below it leaves holes that are kept.
  MALLOC_MMAP_THRESHOLD_: '131072',
  NODE_COMPILE_CACHE: join(pathsFrom(process.env).cache, 'compiled'),
} as const;
