/** A moment's silence of Kubernetes keeps nobody from killing. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isApiError } from '../kubernetes/api-error.ts';

/** How long Kubernetes may be silent before the kill is given up, with nothing ended. Milliseconds. */
const SILENCE_MS = 20_000;
const PAUSE_MS = 500;

export async function insist<T>(ask: () => Promise<T>): Promise<T> {
  for (const until = Date.now() + SILENCE_MS; ; await sleep(PAUSE_MS)) {
    try {
      return await ask();
    } catch (error) {
      if (!mayPass(error) || Date.now() >= until) throw error;
    }
  }
}

export function mayPass(error: unknown): boolean {
  return isApiError(error, 'unclear') || isApiError(error, 'busy');
}
