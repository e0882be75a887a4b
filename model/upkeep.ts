/** The input of the workflow `maintain`: one object, as the Temporal UI's form requires. */
export interface MaintainRequest {
  /** The tables to maintain; all if left out. */
  readonly tables?: readonly string[];
}

/** The work of upkeep on one table. */
export interface TableUpkeep {
  readonly table: string;
  /** The number of files that were merged, and of their commits. */
  readonly compactedFiles: number;
  readonly compactions: number;
  /** Bytes of the merged files, and of those that replaced them. */
  readonly compactedBytes: number;
  readonly writtenBytes: number;
  /** Deleted files of the log. */
  readonly logFiles: number;
  /** Deleted data files, and their bytes. */
  readonly dataFiles: number;
  readonly dataBytes: number;
  /** Why upkeep of the table stopped early; null if it is complete. */
  readonly failure: string | null;
}

/** The state of a run of `maintain`, and its result. */
export interface MaintainResult {
  readonly tables: readonly TableUpkeep[];
}
