/** How the events of a task look on the wire. */
import type { Told } from '../../client/news.ts';
import type { TaskView } from '../../task-view.ts';
import type { StreamEvent } from '../streams/sse.ts';
import { wireDiagnosis, wirePod, wireProgress, wireResult, wireTask } from './task.ts';

export function wireEvent({ id, event: told }: Told, view: TaskView): StreamEvent {
  return { event: told.event, data: dataOf(told, view), ...(id !== undefined && { id }) };
}

function dataOf(told: Told['event'], view: TaskView): unknown {
  switch (told.event) {
    case 'phase': {
      const { task_id, phase, outcome, started, job, cancel } = wireTask({ ...endless(view), ...told });
      return { task_id, phase, outcome, started, job, cancel };
    }
    case 'progress':
      return { pod: wirePod(told), progress: wireProgress(told) };
    case 'diagnosis':
      return { diagnosis: wireDiagnosis(told.problem) };
    case 'outcome':
      return wireResult(view, told);
  }
}

/** A step is told as it was, not with what came after it. */
function endless(view: TaskView): Omit<TaskView, 'outcome' | 'cancel' | 'job'> {
  const { outcome: _, cancel: __, job: ___, ...rest } = view;
  return rest;
}
