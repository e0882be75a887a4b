import { DeltaTable, type DeltaOptions } from './table.ts';

/** The folder of all tables. Each table is opened once, so that only its new log entries are read later. */
export class Warehouse {
  /** The folder in HDFS, absolute. */
  readonly path: string;
  readonly options: DeltaOptions;
  readonly #tables = new Map<string, DeltaTable>();

  constructor(path: string, options: DeltaOptions) {
    this.path = path;
    this.options = options;
  }

  /** Returns the table of that name, which need not exist. Always the same instance; sends no request. */
  table(name: string): DeltaTable {
    const known = this.#tables.get(name);
    if (known !== undefined) return known;
    const table = new DeltaTable(`${this.path}/${name}`, this.options);
    this.#tables.set(name, table);
    return table;
  }
}
