/** A program that people run, as a process of its own with nobody at its terminal. */
import { type ChildProcess, spawn } from 'node:child_process';

export interface Ended {
  readonly exit: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly child: ChildProcess;
  /** What it has said so far. */
  readonly heard: { readonly out: string; readonly err: string };
  readonly ended: Promise<Ended>;
}

/** `holdfast`, as it is installed. */
export const HOLDFAST = 'bin/holdfast.mjs';

/** `env` comes on top of this process's own. */
export function startNode(words: readonly string[], env: NodeJS.ProcessEnv): Running {
  const child = spawn(process.execPath, words, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const heard = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (heard.out += String(chunk)));
  child.stderr.on('data', (chunk: Buffer) => (heard.err += String(chunk)));
  const ended = new Promise<Ended>((resolve) => child.once('close', (exit) => resolve({ exit, ...heard })));
  return { child, heard, ended };
}
