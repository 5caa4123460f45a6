/**
 * Breadth-first search over every state that a model can be in. The first state found that breaks a property is one of
 * the nearest, so the path to it is a shortest counter-example.
 *
 * Two kinds of properties. `Never`: a state that must not be. `Always`: from wherever one stands, some way must lead to
 * a goal ("told, and nothing left"): neither a dead end nor a loop without an exit. It is decided backwards over the
 * stored graph, once all of it is known.
 */
import { Ints, StateStore } from './store.ts';

/** What a step is called in a counter-example; a function where the words cost something to find. */
export type Label = string | (() => string);
export type Emit<S> = (label: Label, next: S) => void;

export interface Model<S extends object> {
  /** The parts of a state, each interned on its own. */
  readonly parts: readonly (keyof S & string)[];
  readonly initial: S;
  /** Every step possible in this state, in an order that decides between counter-examples of the same length. */
  readonly steps: (state: S, emit: Emit<S>) => void;
  readonly properties: readonly Property<S>[];
}

export type Property<S> =
  | { readonly kind: 'never'; readonly name: string; readonly broken: (state: S) => boolean }
  | {
      readonly kind: 'always';
      readonly name: string;
      readonly goal: (state: S) => boolean;
      /** Only states for which this holds count as a counter-example. */
      readonly concerns: (state: S) => boolean;
      /** Of those, the ones where it can be seen: preferred, as a state may be lost long before. */
      readonly shows: (state: S) => boolean;
    };

export interface Bounds {
  readonly maxStates: number;
  readonly onProgress?: (progress: Progress) => void;
  /** Stop as soon as this property is found broken; the others then have no answer. */
  readonly stopAt?: string;
}

export interface Progress {
  readonly states: number;
  readonly waiting: number;
  readonly depth: number;
  readonly seconds: number;
}

export interface Verdict<S> {
  readonly property: string;
  /** `bounded`: nothing found, but the search was cut before its end. */
  readonly result: 'holds' | 'broken' | 'bounded';
  /** A shortest way from the first state to a broken one. */
  readonly path: readonly PathStep<S>[];
}

export interface PathStep<S> {
  readonly label: string;
  readonly state: S;
}

export interface Exploration<S> {
  readonly states: number;
  readonly steps: number;
  readonly depth: number;
  readonly seconds: number;
  readonly megabytes: number;
  readonly complete: boolean;
  readonly verdicts: readonly Verdict<S>[];
}

export function explore<S extends object>(model: Model<S>, bounds: Bounds): Exploration<S> {
  const started = performance.now();
  const search = new Search(model);
  const complete = search.run(bounds, started);
  const verdicts = model.properties.map((property): Verdict<S> => {
    const at = property.kind === 'never' ? search.firstBroken(property.name) : complete && search.firstLost(property);
    if (at === false || at === undefined)
      return { property: property.name, result: complete ? 'holds' : 'bounded', path: [] };
    return { property: property.name, result: 'broken', path: search.pathTo(at) };
  });
  const { states, steps, depth, bytes } = search;
  const seconds = (performance.now() - started) / 1000;
  return { states, steps, depth, seconds, megabytes: bytes / 1e6, complete, verdicts };
}

class Search<S extends object> {
  readonly #model: Model<S>;
  readonly #store: StateStore<S>;
  readonly #parents = new Ints();
  /** Successors of all states, one after the other; `#ends[i]` is where those of state i end. */
  readonly #successors = new Ints();
  readonly #ends = new Ints();
  readonly #broken = new Map<string, number>();
  readonly #nevers: readonly Extract<Property<S>, { kind: 'never' }>[];
  depth = 0;

  constructor(model: Model<S>) {
    this.#model = model;
    this.#store = new StateStore(model.parts);
    this.#nevers = model.properties.filter((property) => property.kind === 'never');
    this.#discover(model.initial, -1);
  }

  get states(): number {
    return this.#store.length;
  }

  get steps(): number {
    return this.#successors.length;
  }

  get bytes(): number {
    return this.#store.bytes + this.#parents.bytes + this.#successors.bytes + this.#ends.bytes;
  }

  /** Whether every state that can be reached was expanded. */
  run(bounds: Bounds, started: number): boolean {
    let endOfLevel = 1;
    let nextReport = started + 1000;
    for (let index = 0; index < this.#store.length; index++) {
      if (index === endOfLevel) {
        this.depth += 1;
        endOfLevel = this.#store.length;
      }
      if (this.#store.length > bounds.maxStates) return false;
      if (bounds.stopAt !== undefined && this.#broken.has(bounds.stopAt)) return false;
      this.#expand(index);
      if ((index & 1023) === 0 && performance.now() > nextReport) {
        const seconds = (performance.now() - started) / 1000;
        bounds.onProgress?.({ states: this.states, waiting: this.states - index, depth: this.depth, seconds });
        nextReport = performance.now() + 1000;
      }
    }
    return true;
  }

  #expand(index: number): void {
    const near = { state: this.#store.get(index), index };
    this.#model.steps(near.state, (_label, next) => {
      const [successor, isNew] = this.#store.add(next, near);
      if (isNew) this.#register(next, index);
      if (successor !== index) this.#successors.push(successor);
    });
    this.#ends.push(this.#successors.length);
  }

  #discover(state: S, parent: number): void {
    const [, isNew] = this.#store.add(state);
    if (isNew) this.#register(state, parent);
  }

  #register(state: S, parent: number): void {
    this.#parents.push(parent);
    for (const { name, broken } of this.#nevers)
      if (!this.#broken.has(name) && broken(state)) this.#broken.set(name, this.#store.length - 1);
  }

  firstBroken(name: string): number | undefined {
    return this.#broken.get(name);
  }

  /** The first state that concerns us and from which no way leads to a goal. */
  firstLost(property: Extract<Property<S>, { kind: 'always' }>): number | undefined {
    const canReach = new Uint8Array(this.states);
    for (let index = 0; index < this.states; index++) canReach[index] = property.goal(this.#store.get(index)) ? 1 : 0;
    while (this.#spreadBackwards(canReach));
    let first: number | undefined;
    for (let index = 0; index < this.states; index++) {
      if (canReach[index] === 1) continue;
      const state = this.#store.get(index);
      if (!property.concerns(state)) continue;
      if (property.shows(state)) return index;
      first ??= index;
    }
    return first;
  }

  /** One pass from the last state to the first; most steps lead forward, so a few passes are enough. */
  #spreadBackwards(canReach: Uint8Array): boolean {
    let changed = false;
    for (let index = this.states - 1; index >= 0; index--) {
      if (canReach[index] === 1) continue;
      const end = this.#ends.at(index);
      for (let at = index === 0 ? 0 : this.#ends.at(index - 1); at < end; at++) {
        if (canReach[this.#successors.at(at)] !== 1) continue;
        canReach[index] = 1;
        changed = true;
        break;
      }
    }
    return changed;
  }

  /** Labels are not stored: the steps of each state on the way are asked for again. */
  pathTo(target: number): readonly PathStep<S>[] {
    const path: PathStep<S>[] = [];
    for (let index = target; this.#parents.at(index) >= 0; index = this.#parents.at(index)) {
      const state = this.#store.get(index);
      path.push({ label: this.#labelOf(this.#parents.at(index), index), state });
    }
    return path.toReversed();
  }

  #labelOf(parent: number, child: number): string {
    const near = { state: this.#store.get(parent), index: parent };
    let found: Label | undefined;
    this.#model.steps(near.state, (label, next) => {
      if (found === undefined && this.#store.add(next, near)[0] === child) found = label;
    });
    return typeof found === 'function' ? found() : (found ?? '?');
  }
}
