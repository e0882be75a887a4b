import { DeltaTable, type DeltaOptions } from './table.ts';

/** The folder of all tables. Each table is opened once, so that only its new log entries are read later. */
export class Warehouse {
  /** The folder in HDFS, absolute. */
  readonly path: string;
  readonly options: DeltaOptions;
  /** The clock of the tables, in milliseconds since 1970. */
  readonly nowMs: () => number;
  readonly #tables = new Map<string, DeltaTable>();

  constructor(path: string, options: DeltaOptions) {
    this.path = path;
    this.options = options;
    this.nowMs = options.nowMs ?? Date.now;
  }

  /** Opens a table whose log is read from its beginning, whatever this process has read of it. Sends no request. */
  open(name: string): DeltaTable {
    return new DeltaTable(`${this.path}/${name}`, this.options);
  }

  /** Returns the table of that name, which need not exist. Always the same instance; sends no request. */
  table(name: string): DeltaTable {
    const known = this.#tables.get(name);
    if (known !== undefined) return known;
    const table = this.open(name);
    this.#tables.set(name, table);
    return table;
  }
}
