/** What `npm run up` knows of the environment that it made; on one of the user's own, public images and no web UI. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface LocalState {
  readonly images: { readonly busybox: string; readonly python: string };
  readonly temporal: { readonly ui?: string };
  readonly kubernetes: { readonly containers: 'real' | 'simulated'; readonly isOurs: boolean };
}

const OWN: LocalState = {
  images: { busybox: 'busybox:1.36', python: 'python:3.12-slim' },
  temporal: {},
  kubernetes: { containers: 'real', isOurs: false },
};

export async function localState(): Promise<LocalState> {
  const state = process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state');
  const file = process.env['HOLDFAST_STATE_FILE'] ?? join(state, 'holdfast', 'state.json');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? OWN : (JSON.parse(text) as LocalState);
}
