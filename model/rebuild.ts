/** The input of the workflow `rebuild`: one object, as the Temporal UI's form requires. */
export interface RebuildRequest {
  /** The tables to rebuild. */
  readonly tables: readonly string[];
}

/** Deliveries that the current contract refuses. */
export interface RefusedDeliveries {
  readonly count: number;
  /** The first of them, each with its offset, the invalid field and the reason. */
  readonly named: readonly string[];
}

/** The state of the rebuild of one table. */
export interface TableRebuild {
  readonly table: string;
  /** How often the rebuild began, since other commits changed the table meanwhile. */
  readonly plans: number;
  /** The parts of `deliveries` to transform, and how many are done. */
  readonly parts: number;
  readonly partsDone: number;
  /** Deliveries that were transformed. */
  readonly deliveries: number;
  /** Files, bytes and rows that were written. */
  readonly files: number;
  readonly bytes: number;
  readonly rows: number;
  /** The number of files that the new ones replaced; 0 until they are committed. */
  readonly replacedFiles: number;
  /** The version that has the rebuilt rows; null until it is committed. */
  readonly version: number | null;
  /** Why the rebuild of the table stopped early; null if it did not. */
  readonly failure: string | null;
}

/** The state of a run of `rebuild`, and its result. */
export interface RebuildResult {
  readonly tables: readonly TableRebuild[];
}
