/** Tasks of which one request each meets a fault on the wire, and is let go when the test says so. */
import type { Kind, SeenRequest, Verb } from '../../lab/proxy/classify.ts';
import type { Fault, FaultProxy } from '../../lab/proxy/fault-proxy.ts';
import { Gate } from '../../lab/proxy/gate.ts';

export const MODES = ['held before', 'held at its last byte', 'answer held', 'answer dropped', 'doubled'] as const;
export type Mode = (typeof MODES)[number];

export class WireCase {
  readonly id: string;
  readonly mode: Mode;
  /** Lets go what is held. */
  readonly gate = new Gate();
  /** Opens when the request is met. */
  readonly reached = new Gate();
  /** Opens when nothing of the request is on its way any more. */
  readonly landed = new Gate();
  readonly #verb: Verb;
  readonly #kind: Kind;

  constructor(id: string, mode: Mode, [verb, kind]: readonly [Verb, Kind]) {
    this.id = id;
    this.mode = mode;
    this.#verb = verb;
    this.#kind = kind;
  }

  isOf({ of, verb, kind }: SeenRequest): boolean {
    return of.startsWith(`hf-${this.id}-`) && verb === this.#verb && kind === this.#kind;
  }

  get fault(): Fault {
    switch (this.mode) {
      case 'held before':
        return { do: 'hold', until: this.gate };
      case 'held at its last byte':
        return { do: 'hold', until: this.gate, lastByte: true };
      case 'answer held':
        return { do: 'hold answer', until: this.gate };
      case 'answer dropped':
        return { do: 'drop answer' };
      case 'doubled':
        return { do: 'duplicate', again: this.gate };
    }
  }
}

/** From now on the first request of each case meets its fault; those that are tried again pass. */
export function putOnTheWire(proxy: FaultProxy, cases: readonly WireCase[]): void {
  const met = new Map<number, WireCase>();
  proxy.setRule((request) => {
    const found = cases.find((item) => item.isOf(request));
    if (found === undefined || [...met.values()].includes(found)) return { do: 'pass' };
    met.set(request.number, found);
    found.reached.open();
    return found.fault;
  });
  proxy.setWitness({ settled: ({ number }) => met.get(number)?.landed.open() });
}
