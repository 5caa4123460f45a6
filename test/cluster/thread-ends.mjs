/** Loaded into a worker process: at SIGUSR2 the threads that it has begun end, as they would for want of memory. */
import workerThreads from 'node:worker_threads';

if (workerThreads.isMainThread) {
  const threads = [];
  workerThreads.Worker = class extends workerThreads.Worker {
    constructor(...given) {
      super(...given);
      threads.push(this);
    }
  };
  process.on('SIGUSR2', () => {
    for (const thread of threads) void thread.terminate();
    process.stdout.write('"threads have ended"\n');
  });
}
