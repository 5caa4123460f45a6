/** What is kept of one case: only what was seen, no judgement. Times are milliseconds since the task was submitted. */
import type { Answer } from '../protocols/protocol.ts';

export const SCENARIOS = {
  A: 'no fault; cancel at a random moment of the dispatch',
  B: 'the create is held on the wire; cancel; let go at the first answer',
  L: 'the create is held until the cancel is settled (at most 45 s)',
  C: "the create's answer is cut; cancel 1 s later",
  D: 'the processes are killed with the create on the wire, and restarted; cancel; the create is let go when settled',
  E: 'the record is forced to its end while the container runs',
} as const;

export type Scenario = keyof typeof SCENARIOS;
export const SCENARIO_NAMES: readonly Scenario[] = ['A', 'B', 'L', 'C', 'D', 'E'];

export interface Answered {
  readonly at: number;
  readonly answer: Answer;
}

export interface ContainerSeen {
  readonly pod: string;
  readonly startedAt: number;
  /** Absent: it still ran when the case was judged. */
  readonly stoppedAt?: number;
}

export interface JobSeen {
  readonly uid: string;
  readonly createdAt: number;
  /** Absent: it was still there when the case was judged. */
  readonly goneAt?: number;
}

export interface Observation {
  readonly protocol: string;
  readonly scenario: Scenario;
  readonly index: number;
  readonly id: string;
  /** Which request was held or cut, and when it came. */
  readonly faulted?: { readonly request: 'create' | 'start'; readonly at: number };
  readonly letGoAt?: number;
  /** When the cancel was sent, or the record forced. */
  readonly cancelAt: number;
  /** After 5 s a cancel that is not settled is answered `cancelling`, and goes on. */
  readonly firstAnswer?: Answered;
  readonly lastAnswer?: Answered;
  readonly ended?: { readonly at: number; readonly as: string };
  readonly jobs: readonly JobSeen[];
  readonly containers: readonly ContainerSeen[];
  /** Live when judged: there, not finished, not being deleted. */
  readonly liveJobs: number;
  readonly livePods: number;
  readonly judgedAt: number;
}
