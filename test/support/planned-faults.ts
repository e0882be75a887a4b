interface Planned<Request, Fault> {
  readonly matches: (request: Request) => boolean;
  readonly fault: Fault;
  left: number;
  spared: number;
}

/** What harm a proxy is to do, and to which requests. */
export class PlannedFaults<Request, Fault> {
  readonly #planned: Planned<Request, Fault>[] = [];

  /** How many planned faults no request has met yet. */
  get unused(): number {
    return this.#planned.filter(({ left }) => left > 0).length;
  }

  /**
   * Plans a fault for the next requests that match.
   * @param times How many requests it harms.
   * @param spared How many requests that match are spared before.
   */
  plan(matches: (request: Request) => boolean, fault: Fault, times: number, spared: number): void {
    this.#planned.push({ matches, fault, left: times, spared });
  }

  /** Forgets the planned faults. */
  clear(): void {
    this.#planned.length = 0;
  }

  /** What a request that comes now is to suffer. */
  next(request: Request): Fault | undefined {
    const planned = this.#planned.find(({ matches, left }) => left > 0 && matches(request));
    if (planned === undefined) return undefined;
    if (planned.spared > 0) {
      planned.spared -= 1;
      return undefined;
    }
    planned.left -= 1;
    return planned.fault;
  }
}
