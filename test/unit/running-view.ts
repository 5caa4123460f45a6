/** A task that runs, and of which nothing else is known. */
import type { TaskView } from '../../src/task-view.ts';

export const RUNNING: TaskView = {
  taskId: 't',
  runId: 'run',
  workload: 'command',
  phase: 'running',
  started: true,
  open: true,
  cancelRequested: false,
  startedAt: '2026-01-01T00:00:00.000Z',
};
