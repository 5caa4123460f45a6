/** The options of the background document. */
import { creationLock } from './creation-lock.ts';
import { eventSourcing } from './event-sourcing.ts';
import { interim } from './interim.ts';
import { naive } from './naive.ts';
import type { Baseline } from './protocol.ts';
import { requestToken } from './request-token.ts';
import { stateMachine } from './state-machine.ts';
import { statusCheck } from './status-check.ts';
import { twoPhase } from './two-phase.ts';

export const BASELINES: readonly Baseline[] = [
  naive,
  statusCheck,
  creationLock,
  requestToken,
  stateMachine,
  twoPhase,
  eventSourcing,
  interim,
];
