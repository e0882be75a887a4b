interface Planned<Request, Fault> {
  readonly matches: (request: Request) => boolean;
  readonly fault: Fault;
  left: number;
  spared: number;
}

/** Faults that a proxy applies to matching requests. */
export class PlannedFaults<Request, Fault> {
  readonly #planned: Planned<Request, Fault>[] = [];

  /** Number of planned faults that were not applied yet. */
  get unused(): number {
    return this.#planned.filter(({ left }) => left > 0).length;
  }

  /**
   * Plans a fault for the next requests that match.
   * @param times Number of requests to apply it to.
   * @param spared Number of matching requests to let through first.
   */
  plan(matches: (request: Request) => boolean, fault: Fault, times: number, spared: number): void {
    this.#planned.push({ matches, fault, left: times, spared });
  }

  /** Removes the planned faults. */
  clear(): void {
    this.#planned.length = 0;
  }

  /** Takes the fault of the current request. */
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
