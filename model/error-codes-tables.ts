/** How Temporal treats an error, and what an operator can do. */
export interface ErrorKind {
  readonly retry: 'transient' | 'permanent';
  readonly advice: string;
}

/** The error codes of tables: their logs, versions, upkeep, rebuilds and erasures. */
export const TABLE_CODES = {
  TABLE_LOG_INVALID: {
    retry: 'permanent',
    advice:
      'Repair the table’s _delta_log, or restore its folder if it was deleted; nothing is written to the table until then. A table of attempts can be derived again, also if it was deleted: pipeline rebuild TABLE',
  },
  TABLE_OTHER_COLUMNS: {
    retry: 'permanent',
    advice:
      'A missing column is added, but an existing one is never changed. If another program changed the table’s schema, change it back with that program, then retry; if this program’s columns changed, give the column another name, or derive the table again: pipeline rebuild TABLE (docs/adding-a-table.md).',
  },
  TABLE_LOG_CHANGED: {
    retry: 'permanent',
    advice:
      'Restore the missing entries of the table’s _delta_log, then retry; a table of attempts can be derived again with: pipeline rebuild TABLE. If the table was rolled back on purpose, roll back all tables of the warehouse to the same moment, restart the workers, then retry (docs/operating.md).',
  },
  TABLE_REWRITTEN: {
    retry: 'permanent',
    advice:
      'Another program removed or doubled rows: set the table back to the version in the message (pipeline restore TABLE --to VERSION) or derive it again (pipeline rebuild TABLE), then retry (docs/operating.md).',
  },
  PROOF_UNKNOWN: {
    retry: 'permanent',
    advice: 'Run pipeline verify without --since once; it keeps its result for later ones.',
  },
  PROOF_OUTDATED: {
    retry: 'permanent',
    advice: 'Run pipeline verify without --since, which verifies everything again.',
  },
  TABLE_NOT_DERIVED: {
    retry: 'permanent',
    advice:
      'Only tables of attempts are derived from deliveries. Set another table back to a version with its rows: pipeline restore TABLE --to VERSION',
  },
  DELIVERIES_BEHIND: {
    retry: 'transient',
    advice:
      'Let the run that landed a part of a batch finish (pipeline list), or start a run of the source, then rebuild again.',
  },
  REBUILD_REFUSED: {
    retry: 'permanent',
    advice:
      'The table is unchanged. Correct the contract’s file in contracts/, so that it accepts what landed before, then rebuild again.',
  },
  RESTORE_REFUSED: {
    retry: 'permanent',
    advice:
      'The table is unchanged. Choose another version (pipeline history TABLE); a table of attempts can be derived again with: pipeline rebuild TABLE',
  },
  REBUILD_FAILED: {
    retry: 'permanent',
    advice:
      'The named tables are unchanged; the others are rebuilt. Mend the cause, then: pipeline rebuild TABLE',
  },
  VERSION_UNKNOWN: {
    retry: 'permanent',
    advice: 'List the versions of a table with: pipeline history TABLE',
  },
  VERSION_GONE: {
    retry: 'permanent',
    advice:
      'The version was cleaned up and cannot be read again; pipeline history TABLE shows which versions can be read.',
  },
  TABLE_UNKNOWN: { retry: 'permanent', advice: 'List the tables and views with: pipeline tables' },
  UPKEEP_MISMATCH: {
    retry: 'permanent',
    advice: 'This is a bug in the pipeline: report the message. The table is unchanged.',
  },
  UPKEEP_FAILED: {
    retry: 'permanent',
    advice:
      'The upkeep of the named tables failed; that of the others is done. Mend the cause, then: pipeline maintain',
  },
  ERASURE_KEY_MISSING: {
    retry: 'permanent',
    advice:
      'Set the environment variable that erasure.keyVariable of pipeline.yaml names to the key of the earlier erasures, for the workers and for the command; then retry.',
  },
  ERASURE_KEY_CHANGED: {
    retry: 'permanent',
    advice:
      'Set the key by which the earlier erasures were made. With another one, erased persons would not be recognised, so nothing of the source lands.',
  },
  ERASURE_UNFINISHED_BATCH: {
    retry: 'transient',
    advice:
      'A batch is in some tables only. It is completed by its run, or by the next run of its topic: start or decide it, then erase again.',
  },
} as const satisfies Record<string, ErrorKind>;
