import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

export const repository = dirname(dirname(import.meta.dirname));

/** Where everything lives that is not in the repository: per user, never system-wide. */
export interface Paths {
  readonly cache: string;
  readonly state: string;
  readonly logs: string;
  readonly stateFile: string;
  readonly envFile: string;
  readonly lock: string;
  readonly cluster: string;
  readonly node: string;
  readonly temporal: string;
  readonly taskLogs: string;
  /** Six characters of this state folder: names what cannot live inside it, such as a network interface. */
  readonly mark: string;
}

export function pathsFrom(env: NodeJS.ProcessEnv): Paths {
  const state = join(env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state'), 'holdfast');
  return {
    cache: join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'holdfast'),
    state,
    logs: join(state, 'logs'),
    stateFile: join(state, 'state.json'),
    envFile: join(state, 'env.json'),
    lock: join(state, 'environment.lock'),
    cluster: join(state, 'cluster'),
    node: join(state, 'node'),
    temporal: join(state, 'temporal'),
    taskLogs: join(state, 'task-logs'),
    mark: createHash('sha256').update(state).digest('hex').slice(0, 6),
  };
}

export const nodeBinary: string = join(repository, 'node_modules', 'node', 'bin', 'node');

/** What a supervisor in the background reports, for whoever waits for it and for reading later. */
export const progressFile = (paths: Paths, supervisorPid: number): string =>
  join(paths.logs, `environment-${supervisorPid}.log`);
