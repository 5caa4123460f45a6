/** That the compiler knows every answer: a switch without one of them is refused, one with all needs no default. */
import { describe, expect, it } from 'vitest';
import type { CancelAnswer, KillAnswer, TaskEvent, TaskOutcome } from '../../src/client.ts';

function spoken(answer: CancelAnswer): string {
  switch (answer) {
    case 'cancelled_before_start':
    case 'cancelled_running':
    case 'already_cancelled':
      return 'nothing of it runs';
    case 'cancelling':
      return 'it goes on by itself';
    case 'already_completed':
    case 'already_failed':
    case 'already_terminated':
    case 'already_timed_out':
      return 'too late';
    case 'unknown_task':
      return 'no such task';
  }
}

function ending(outcome: TaskOutcome): string {
  switch (outcome.outcome) {
    case 'succeeded':
      return outcome.result.job.name;
    case 'failed':
      return outcome.problem.code;
    case 'cancelled':
      return outcome.reason;
    case 'terminated':
    case 'timed_out':
      return outcome.outcome;
  }
}

function news(event: TaskEvent): string {
  switch (event.event) {
    case 'phase':
      return event.phase;
    case 'progress':
      return `${event.progress?.done ?? 0}`;
    case 'diagnosis':
      return event.problem?.message ?? 'nothing keeps it';
    case 'outcome':
      return ending(event);
  }
}

function proof(answer: KillAnswer): boolean {
  switch (answer) {
    case 'killed':
      return true;
    case 'killed_unproved':
      return false;
    case 'already_completed':
    case 'already_failed':
    case 'already_cancelled':
    case 'already_terminated':
    case 'already_timed_out':
      return true;
  }
}

// @ts-expect-error The one that is left out ends in no return: the compiler refuses it.
function forgetful(outcome: TaskOutcome): string {
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check
  switch (outcome.outcome) {
    case 'succeeded':
    case 'failed':
    case 'cancelled':
    case 'terminated':
      return outcome.outcome;
  }
}

describe('a switch over what the client answers', () => {
  it('is whole without a default', () => {
    expect(spoken('cancelled_running')).toBe('nothing of it runs');
    expect(news({ event: 'outcome', outcome: 'failed', problem: { code: 'EXIT_CODE', message: 'm' } })).toBe(
      'EXIT_CODE',
    );
    expect(proof('killed_unproved')).toBe(false);
  });

  it('that leaves one out does not compile', () => {
    expect(forgetful({ outcome: 'timed_out' })).toBeUndefined();
  });
});
