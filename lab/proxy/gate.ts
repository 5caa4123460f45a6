/** Something that is waited for until somebody opens it; opening it again changes nothing. */
export class Gate {
  readonly opened: Promise<void>;
  readonly open: () => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.opened = promise;
    this.open = resolve;
  }
}
