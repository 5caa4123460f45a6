/** What this process follows: its sweeper need not ask of it, and whoever follows hears when it was released here. */
export class Followed {
  readonly #runs = new Map<string, PromiseWithResolvers<void> & { readonly isAdopted: boolean; isReleased: boolean }>();

  get size(): number {
    return this.#runs.size;
  }

  /** @param isAdopted its workflow goes on when another's release is done: it is not told of that. */
  async during<T>(run: string, isAdopted: boolean, follow: (released: Promise<void>) => Promise<T>): Promise<T> {
    const following = { ...Promise.withResolvers<void>(), isAdopted, isReleased: false };
    this.#runs.set(run, following);
    try {
      return await follow(following.promise);
    } finally {
      if (this.#runs.get(run) === following) this.#runs.delete(run);
    }
  }

  has(run: string): boolean {
    return this.#runs.has(run);
  }

  /** It was proved that nothing of it is left: of this, nobody who follows it has anything to tell. */
  released(run: string): void {
    const following = this.#runs.get(run);
    if (following === undefined || following.isAdopted) return;
    following.isReleased = true;
    following.resolve();
  }

  isReleased(run: string): boolean {
    return this.#runs.get(run)?.isReleased === true;
  }
}
