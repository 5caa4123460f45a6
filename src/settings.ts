/**
 * What the settings of a task come to: spans in seconds, defaults filled in. Pure, and free of zod, so that the
 * planner and workflow code may use it; what a person wrote has been checked at the door by schemas.ts.
 */
import type { Duration, Task } from './contract.ts';
import { HoldfastError } from './errors.ts';

export const DEFAULTS = {
  timeout: '1h',
  gracePeriod: '5s',
  cpu: '1',
  memory: '512Mi',
  tmp: '64Mi',
  network: 'none',
  /** Seconds. */
  sampleTimeout: 3,
} as const;

/** Settings with nothing left open. Spans in seconds; quantities as they were written. */
export interface SettledSettings {
  readonly timeoutSeconds: number;
  readonly gracePeriodSeconds: number;
  readonly resources: {
    readonly cpu: string;
    readonly memory: string;
    readonly tmp: string;
    readonly devices: Readonly<Record<string, number>>;
  };
  readonly runtimeClass?: string;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly network: 'none' | 'cluster';
}

/** Takes a task that `checkTask` has accepted. */
export function settle(task: Task): SettledSettings {
  const { resources = {} } = task;
  return {
    timeoutSeconds: parseDuration(task.timeout ?? DEFAULTS.timeout),
    gracePeriodSeconds: parseDuration(task.gracePeriod ?? DEFAULTS.gracePeriod),
    resources: {
      cpu: resources.cpu ?? DEFAULTS.cpu,
      memory: resources.memory ?? DEFAULTS.memory,
      tmp: resources.tmp ?? DEFAULTS.tmp,
      devices: resources.devices ?? {},
    },
    ...(task.runtimeClass !== undefined && { runtimeClass: task.runtimeClass }),
    nodeSelector: task.nodeSelector ?? {},
    network: task.network ?? DEFAULTS.network,
  };
}

const DURATION = /^(?=\d)(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?$/;
const UNIT_SECONDS = [86_400, 3_600, 60, 1] as const;

/** Seconds of `90s`, `10m`, `2h`, `1d` or a sum such as `1h30m`; undefined if the text is no such thing. */
export function tryDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (!match) return undefined;
  return UNIT_SECONDS.reduce((sum, seconds, unit) => sum + seconds * Number(match[unit + 1] ?? 0), 0);
}

/**
 * Seconds of a duration: whole numbers with `d`, `h`, `m`, `s`, largest unit first, each at most once.
 * @throws HoldfastError INPUT_INVALID if the text is not a duration.
 */
export function parseDuration(text: Duration): number {
  const seconds = tryDuration(text);
  if (seconds !== undefined) return seconds;
  const message = `${JSON.stringify(text)} is not a duration. ${DURATION_ACCEPTED}`;
  throw new HoldfastError('INPUT_INVALID', message, { problems: [{ field: 'duration', message }] });
}

export const DURATION_ACCEPTED = 'Write 90s, 10m, 2h, 1d or a sum such as 1h30m.';
