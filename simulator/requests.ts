/** One request and its response. */
export interface LoggedRequest {
  readonly method: string;
  readonly path: string;
  /** The query without its `?`; empty when there is none. */
  readonly query: string;
  /** The Range header, honoured or not. */
  readonly range: string | undefined;
  /** 0 until there is a response. */
  status: number;
  /** Bytes of the body, as handed to the connection. */
  bytes: number;
  /** Kind of the fault of this request. */
  fault: string | undefined;
  /** Whether the response was sent completely. */
  finished: boolean;
}

/** Totals of the requests of one path since the platform started. */
export interface PathTotals {
  requests: number;
  bytes: number;
  /** Number of requests with a Range header. */
  ranges: number;
}

const KEPT = 1000;

/** The latest requests one by one, and the totals of every path. */
export class RequestLog {
  readonly #last: LoggedRequest[] = [];
  readonly #totals = new Map<string, PathTotals>();

  /** The latest 1000, oldest first. */
  get last(): readonly LoggedRequest[] {
    return this.#last;
  }

  /** By path. */
  get totals(): ReadonlyMap<string, Readonly<PathTotals>> {
    return this.#totals;
  }

  /** Adds a request that has arrived. */
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

  /** Adds bytes of its response. */
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
