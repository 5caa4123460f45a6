/** Any command in any image: the container's exit code is the result. */
import type { CommandTask, InputFile } from '../contract.ts';
import { cutBytes } from './cut.ts';
import type { PlannedFile, PodPlan, Workload } from './workload.ts';

const SUMMARY_BYTES = 200;

export const command: Workload<CommandTask> = {
  name: 'command',
  summary(task) {
    const words = [...(task.command ?? []), ...(task.args ?? [])].map(quoted);
    return cutBytes([`${task.image}:`, ...(words.length > 0 ? words : ['as the image says'])].join(' '), SUMMARY_BYTES);
  },
  plan(task): PodPlan {
    return {
      image: task.image,
      ...(task.command && { command: task.command }),
      ...(task.args && { args: task.args }),
      env: task.env ?? {},
      files: (task.files ?? []).map(plannedFile),
    };
  },
  reader() {
    return {
      end: () => ({ kind: 'succeeded', output: { exitCode: 0 } }),
    };
  },
};

function plannedFile({ path, base64, text = '', mode }: InputFile): PlannedFile {
  const bytes = base64 === undefined ? Buffer.from(text, 'utf8') : Buffer.from(base64, 'base64');
  return { path, bytes, ...(mode !== undefined && { mode }) };
}

/** As one would type it in a shell, on one line. */
function quoted(word: string): string {
  const line = word.replace(/\s+/g, ' ');
  return /^[\w@%+=:,./-]+$/.test(line) ? line : `'${line}'`;
}
