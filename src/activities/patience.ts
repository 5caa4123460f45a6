import type { Diagnosis } from '../kubernetes/diagnosis.ts';

/** How long the same has kept one task, as its follow has seen it: the clocks of others need not agree with ours. */
export class Patience {
  #kept: { readonly by: string; readonly since: number } | undefined;

  /**
   * A wait that has lasted too long is a failure. It counts from when the problem was first seen: of an image that took
   * long to come, one failure is no long trouble.
   */
  bear(diagnosis: Diagnosis, now = Date.now()): Diagnosis {
    if (diagnosis.is !== 'waiting' || diagnosis.problem === undefined) return diagnosis;
    const { pod, problem, patienceMs = Infinity } = diagnosis;
    const by = `${problem.code} ${String(problem.facts?.['resource'])}`;
    if (by !== this.#kept?.by) this.#kept = { by, since: now };
    return now - this.#kept.since > patienceMs ? { is: 'failed', ...(pod && { pod }), problem } : diagnosis;
  }
}
