/**
 * Where the explorer keeps states: each part of a state (the cluster, the network, ...) is interned, so a state is a
 * handful of small integers in one typed array. Tens of bytes a state; tens of millions fit.
 */

/** A typed array that grows. */
export class Ints {
  #data = new Int32Array(1 << 16);
  length = 0;

  push(value: number): void {
    if (this.length === this.#data.length) {
      const grown = new Int32Array(this.#data.length * 2);
      grown.set(this.#data);
      this.#data = grown;
    }
    this.#data[this.length] = value;
    this.length += 1;
  }

  at(index: number): number {
    return this.#data[index] ?? -1;
  }

  get bytes(): number {
    return this.#data.byteLength;
  }
}

/** Equal values, by their JSON, get one number and are kept once. Keys must be written in a fixed order. */
export class Interned {
  readonly #ids = new Map<string, number>();
  /** Models that hand out the same object for the same value spare us writing it down. */
  readonly #known = new Map<unknown, number>();
  readonly #values: unknown[] = [];

  id(value: unknown): number {
    const same = this.#known.get(value);
    if (same !== undefined) return same;
    const key = JSON.stringify(value);
    const equal = this.#ids.get(key);
    if (equal !== undefined) return equal;
    const id = this.#values.length;
    this.#ids.set(key, id);
    this.#known.set(value, id);
    this.#values.push(value);
    return id;
  }

  value(id: number): unknown {
    return this.#values[id];
  }
}

/** The set of states seen, in order of discovery, by open addressing. A state's number is its position. */
export class StateStore<S extends object> {
  readonly #parts: readonly (keyof S & string)[];
  readonly #interned: readonly Interned[];
  readonly #ids = new Ints();
  readonly #key: Int32Array;
  #table = new Int32Array(1 << 17).fill(-1);
  length = 0;

  constructor(parts: readonly (keyof S & string)[]) {
    this.#parts = parts;
    this.#interned = parts.map(() => new Interned());
    this.#key = new Int32Array(parts.length);
  }

  /** The number of this state; the second is whether it is new. `near` shares parts with it, which saves interning. */
  add(state: S, near?: { readonly state: S; readonly index: number }): readonly [index: number, isNew: boolean] {
    const width = this.#parts.length;
    for (let at = 0; at < width; at++) {
      const part = this.#parts[at] as keyof S;
      const same = near !== undefined && near.state[part] === state[part];
      this.#key[at] = same ? this.#ids.at(near.index * width + at) : (this.#interned[at]?.id(state[part]) ?? -1);
    }
    const slot = this.#slotOf(this.#key);
    const found = this.#table[slot] ?? -1;
    if (found >= 0) return [found, false];
    for (const id of this.#key) this.#ids.push(id);
    this.#table[slot] = this.length;
    this.length += 1;
    if (this.length * 2 > this.#table.length) this.#grow();
    return [this.length - 1, true];
  }

  get(index: number): S {
    const state: Record<string, unknown> = {};
    this.#parts.forEach((part, at) => {
      state[part] = this.#interned[at]?.value(this.#ids.at(index * this.#parts.length + at));
    });
    return state as S;
  }

  get bytes(): number {
    return this.#ids.bytes + this.#table.byteLength;
  }

  #slotOf(key: Int32Array): number {
    let hash = 0;
    for (const id of key) hash = Math.imul(hash ^ id, 0x9e3779b1) ^ (hash >>> 15);
    const mask = this.#table.length - 1;
    let slot = (hash ^ (hash >>> 16)) & mask;
    for (;;) {
      const index = this.#table[slot] ?? -1;
      if (index < 0 || this.#isAt(index, key)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #isAt(index: number, key: Int32Array): boolean {
    const start = index * key.length;
    for (let at = 0; at < key.length; at++) if (this.#ids.at(start + at) !== key[at]) return false;
    return true;
  }

  #grow(): void {
    this.#table = new Int32Array(this.#table.length * 2).fill(-1);
    const key = new Int32Array(this.#key.length);
    for (let index = 0; index < this.length; index++) {
      for (let at = 0; at < key.length; at++) key[at] = this.#ids.at(index * key.length + at);
      this.#table[this.#slotOf(key)] = index;
    }
  }
}
