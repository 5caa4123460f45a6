/** `holdfast logs ID`: what a task's containers wrote, also when its Job is gone. */
import type { ContainerLine, TaskClient } from '../../client.ts';
import { EXIT, HoldfastError } from '../../errors.ts';
import { withClient } from '../session.ts';
import { harmless, stderr, stdout } from '../terminal.ts';

export interface LogsWords {
  readonly follow?: boolean;
  readonly timestamps?: boolean;
  readonly json?: boolean;
}

/** The log store's own name for what Kubernetes said of a task none of whose containers ran. */
const EVENTS = 'events.log';

export async function logs(taskId: string, options: LogsWords): Promise<number> {
  return withClient(async (client) => {
    let file: string | undefined;
    try {
      for await (const line of client.logs(taskId, { follow: options.follow ?? false })) {
        if (line.file !== file && !options.json) introduce(line.file, file === undefined);
        file = line.file;
        stdout.line(shown(line, options));
      }
      if (file === undefined) stderr.line(`Task ${taskId} wrote nothing.`);
    } catch (error) {
      if (!(await isSilent(client, taskId, error))) throw error;
      stderr.line(`Task ${taskId} has written nothing so far; \`holdfast logs -f ${taskId}\` waits for more.`);
    }
    return EXIT.succeeded;
  });
}

function introduce(file: string, isFirst: boolean): void {
  if (file === EVENTS) stderr.line('No container of it wrote anything; this is what Kubernetes said:');
  else if (!isFirst) stderr.line(`--- ${file}`);
}

function shown(line: ContainerLine, { timestamps, json }: LogsWords): string {
  if (json) return JSON.stringify(line);
  const text = stdout.isTerminal ? harmless(line.text) : line.text;
  return timestamps ? `${line.time} ${text}` : text;
}

/** A task that is under way may have said nothing yet; that is no error. */
async function isSilent(client: TaskClient, taskId: string, error: unknown): Promise<boolean> {
  if (!(error instanceof HoldfastError) || error.code !== 'LOGS_UNAVAILABLE') return false;
  return (await client.describe(taskId)).open;
}
