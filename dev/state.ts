import { readFileSync, rmSync } from 'node:fs';
import type { ImageNames } from './images/index.ts';
import { writeWhole } from './system/files.ts';
import type { Paths } from './system/paths.ts';
import type { ProcessIdentity } from './system/processes.ts';

/** What runs, for whoever comes later: another `up`, `down`, the tests, the laboratory. */
export interface State {
  readonly phase: 'starting' | 'ready' | 'stopping';
  readonly supervisor: ProcessIdentity;
  readonly startedAt: string;
  readonly bootMs: number | undefined;
  readonly temporal: TemporalState | undefined;
  readonly kubernetes: KubernetesState | undefined;
  readonly images: ImageNames;
  readonly worker: 'ready' | 'starting' | 'none';
  readonly processes: Readonly<Record<string, ProcessIdentity>>;
  readonly logs: Readonly<Record<string, string>>;
  /** What the worker, the CLI and the tests are given. */
  readonly env: Readonly<Record<string, string>>;
}

export interface TemporalState {
  readonly address: string;
  readonly namespace: string;
  readonly ui: string | undefined;
  readonly isOurs: boolean;
}

export interface KubernetesState {
  readonly kubeconfig: string;
  readonly context: string;
  readonly server: string | undefined;
  readonly namespace: string;
  readonly containers: 'real' | 'simulated';
  readonly isOurs: boolean;
  /** The one binary; its `kubectl` part is at hand by `kubernetes kubectl`. */
  readonly kubectl: readonly string[] | undefined;
}

export function readState(paths: Paths): State | undefined {
  try {
    return JSON.parse(readFileSync(paths.stateFile, 'utf8'));
  } catch {
    return undefined;
  }
}

export function writeState(paths: Paths, state: State): void {
  writeWhole(paths.stateFile, state);
}

export function forgetState(paths: Paths): void {
  rmSync(paths.stateFile, { force: true });
  rmSync(paths.envFile, { force: true });
}
