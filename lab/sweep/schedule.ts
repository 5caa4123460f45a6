/** What a case does: which fault each request of its task gets, and when its cancel is sent. */
import type { Fault } from '../proxy/fault-proxy.ts';
import { Gate } from '../proxy/gate.ts';
import { type Case, type Moment, randomOf, REQUEST_FAULTS, type RequestFault } from './cases.ts';

export interface Schedule {
  /** Asked for each request of the task, numbered from 1. */
  readonly faultAt: (position: number) => Fault;
  /** When the cancel is sent: at a request, or at a time in milliseconds; undefined: never. */
  readonly cancel:
    | { readonly at: number; readonly moment: Exclude<Moment, 'never'> }
    | { readonly afterMs: number }
    | undefined;
  /** Opens when the case has its answer: what was kept back arrives now, as late as it gets. */
  readonly late: Gate;
}

const DELAY_MS = 300;

export function scheduleOf(item: Exclude<Case, { kind: 'worker' }>): Schedule {
  const late = new Gate();
  return item.kind === 'request' ? plannedSchedule(item, late) : randomSchedule(item.seed, late);
}

function plannedSchedule(item: Extract<Case, { kind: 'request' }>, late: Gate): Schedule {
  return {
    late,
    faultAt: (position) => (position === item.at ? faultOf(item.fault, late) : { do: 'pass' }),
    cancel: item.cancel === 'never' ? undefined : { at: item.at, moment: item.cancel },
  };
}

/** About every fourth request is disturbed; seven tasks of ten are cancelled. */
function randomSchedule(seed: number, late: Gate): Schedule {
  const random = randomOf(seed);
  const pick = <T>(from: readonly [T, ...(readonly T[])]): T => from[Math.floor(random() * from.length)] ?? from[0];
  const faults = new Map<number, Fault>();
  for (let position = 1; position <= 60; position += 1)
    if (random() < 0.25) faults.set(position, faultOf(pick(REQUEST_FAULTS), late));
  const roll = random();
  const at = 1 + Math.floor(random() * 24);
  const afterMs = Math.floor(random() * 3_000);
  const moment = pick(['before', 'during', 'after'] as const);
  return {
    late,
    faultAt: (position) => faults.get(position) ?? { do: 'pass' },
    cancel: roll < 0.3 ? undefined : roll < 0.65 ? { at, moment } : { afterMs },
  };
}

function faultOf(fault: RequestFault, late: Gate): Fault {
  switch (fault) {
    case 'hold':
      return { do: 'hold', until: late };
    case 'hold last byte':
      return { do: 'hold', until: late, lastByte: true };
    case 'hold answer':
      return { do: 'hold answer', until: late };
    case 'drop':
    case 'drop answer':
      return { do: fault };
    case 'delay':
      return { do: 'delay', ms: DELAY_MS };
    case 'duplicate':
      return { do: 'duplicate', again: late };
    case '409':
      return { do: 'answer', status: 409 };
    case '429':
      return { do: 'answer', status: 429 };
    case '500':
      return { do: 'answer', status: 500 };
    case '503':
      return { do: 'answer', status: 503 };
    case '504':
      return { do: 'answer', status: 504 };
    case 'apply 500':
      return { do: 'apply and answer', status: 500 };
    case 'apply 504':
      return { do: 'apply and answer', status: 504 };
  }
}
