/** Which cases there are. A case is its id: from the id alone it can be run again, exactly. */

export const REQUEST_FAULTS = [
  'hold',
  'hold last byte',
  'hold answer',
  'drop',
  'drop answer',
  'delay',
  'duplicate',
  '409',
  '429',
  '500',
  '503',
  '504',
  'apply 500',
  'apply 504',
] as const;
/** These need a worker process of the batch's own: the request is on the wire, or its answer is, when it dies. */
export const WORKER_FAULTS = ['kill before', 'kill after', 'freeze before', 'freeze after'] as const;
/** Of the cancel, seen from the request with the fault. */
export const MOMENTS = ['before', 'during', 'after', 'never'] as const;

export type RequestFault = (typeof REQUEST_FAULTS)[number];
export type WorkerFault = (typeof WORKER_FAULTS)[number];
export type Moment = (typeof MOMENTS)[number];

export type Case =
  | {
      readonly id: string;
      readonly kind: 'request';
      readonly fault: RequestFault;
      readonly at: number;
      readonly cancel: Moment;
    }
  | {
      readonly id: string;
      readonly kind: 'worker';
      readonly fault: WorkerFault;
      readonly at: number;
      readonly cancel: Moment;
    }
  /** Faults at random requests, and a cancel at a random moment. */
  | { readonly id: string; readonly kind: 'seed'; readonly seed: number }
  /** The same while the worker is killed or frozen, again and again, at moments that the seed gives as well. */
  | { readonly id: string; readonly kind: 'storm'; readonly seed: number };

/** Fault x request x moment of the cancel; `requests` is how many a clean run makes. */
export function enumerated(requests: number): readonly Case[] {
  const positions = Array.from({ length: requests }, (_, index) => index + 1);
  const of = (faults: readonly string[]) =>
    faults.flatMap((fault) =>
      positions.flatMap((at) => MOMENTS.map((cancel) => parseCase(`${fault}@${at}/${cancel}`))),
    );
  return [...of(REQUEST_FAULTS), ...of(WORKER_FAULTS)];
}

/** @throws TypeError if the text is no case. */
export function parseCase(id: string): Case {
  const [, kind, seed] = /^(seed|storm):(\d+)$/.exec(id) ?? [];
  if (kind === 'seed' || kind === 'storm') return { id, kind, seed: Number(seed) };
  const [, fault = '', at = '', moment = ''] = /^(.+)@(\d+)\/(\w+)$/.exec(id) ?? [];
  const cancel = MOMENTS.find((item) => item === moment);
  const requestFault = REQUEST_FAULTS.find((item) => item === fault);
  const workerFault = WORKER_FAULTS.find((item) => item === fault);
  if (cancel !== undefined && requestFault !== undefined)
    return { id, kind: 'request', fault: requestFault, at: Number(at), cancel };
  if (cancel !== undefined && workerFault !== undefined)
    return { id, kind: 'worker', fault: workerFault, at: Number(at), cancel };
  throw new TypeError(`${id} is no case: write e.g. "drop answer@5/during" or "seed:17" or "storm:17"`);
}

/** The same numbers for the same seed, on every machine (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
