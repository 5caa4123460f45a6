/** One fault per task: on the first request that makes its Job, or (Holdfast only) the first that lets it make Pods. */
import type { SeenRequest } from '../proxy/classify.ts';
import type { Fault, FaultProxy } from '../proxy/fault-proxy.ts';
import { Gate } from '../proxy/gate.ts';

export type FaultedRequest = 'create' | 'start';

export interface PlannedFault {
  readonly request: FaultedRequest;
  readonly reached: Gate;
  readonly letGo: Gate;
}

export class FaultDesk {
  readonly #planned = new Map<string, { readonly fault: Fault; readonly plan: PlannedFault }>();

  constructor(proxy: FaultProxy) {
    proxy.setRule((request) => this.#faultFor(request));
  }

  hold(id: string, request: FaultedRequest): PlannedFault {
    const letGo = new Gate();
    return this.#plan(id, { do: 'hold', until: letGo }, { request, reached: new Gate(), letGo });
  }

  cut(id: string, request: FaultedRequest): PlannedFault {
    return this.#plan(id, { do: 'drop answer' }, { request, reached: new Gate(), letGo: new Gate() });
  }

  #plan(id: string, fault: Fault, plan: PlannedFault): PlannedFault {
    this.#planned.set(id, { fault, plan });
    return plan;
  }

  #faultFor({ kind, verb, of }: SeenRequest): Fault {
    const id = kind === 'Job' ? idIn(of) : undefined;
    const planned = id === undefined ? undefined : this.#planned.get(id);
    const expected = planned?.plan.request === 'start' ? 'patch' : 'create';
    if (id === undefined || planned === undefined || verb !== expected) return { do: 'pass' };
    this.#planned.delete(id);
    planned.plan.reached.open();
    return planned.fault;
  }
}

/** Ids of cases are `<six characters>-<scenario><number>`; a Job's name begins with `eval-` or `hf-` and the id. */
export function idIn(jobName: string): string | undefined {
  return /^(?:eval|hf)-([a-z0-9]{6}-[a-z]\d{4})/.exec(jobName)?.[1];
}
