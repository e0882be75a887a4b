/** One request and what became of it. */
export interface LoggedRequest {
  readonly method: string;
  readonly path: string;
  /** The query without its `?`; empty when there is none. */
  readonly query: string;
  /** The Range header, whether or not it was honoured. */
  readonly range: string | undefined;
  /** 0 until there is an answer. */
  status: number;
  /** Of the body, as handed to the connection. */
  bytes: number;
  /** The kind of the fault that it met. */
  fault: string | undefined;
  /** Whether the answer was sent to its end. */
  finished: boolean;
}

/** The requests of one path, over the platform's life. */
export interface PathTotals {
  requests: number;
  bytes: number;
  /** How many came with a Range header. */
  ranges: number;
}

const KEPT = 1000;

/** The last requests one by one, and every path's totals. */
export class RequestLog {
  readonly #last: LoggedRequest[] = [];
  readonly #totals = new Map<string, PathTotals>();

  /** The last 1000, the oldest first. */
  get last(): readonly LoggedRequest[] {
    return this.#last;
  }

  /** By path. */
  get totals(): ReadonlyMap<string, Readonly<PathTotals>> {
    return this.#totals;
  }

  /** Notes a request that has come. */
  begin(method: string, { pathname, search }: URL, range: string | undefined): LoggedRequest {
    const entry = {
      method,
      path: pathname,
      query: search.slice(1),
      range,
      status: 0,
      bytes: 0,
      fault: undefined,
      finished: false,
    };
    this.#last.push(entry);
    if (this.#last.length > KEPT) this.#last.shift();
    const totals = this.#of(pathname);
    totals.requests += 1;
    if (range !== undefined) totals.ranges += 1;
    return entry;
  }

  /** Adds bytes that were sent in answer to it. */
  sent(entry: LoggedRequest, bytes: number): void {
    entry.bytes += bytes;
    this.#of(entry.path).bytes += bytes;
  }

  #of(path: string): PathTotals {
    const totals = this.#totals.get(path) ?? { requests: 0, bytes: 0, ranges: 0 };
    this.#totals.set(path, totals);
    return totals;
  }
}
