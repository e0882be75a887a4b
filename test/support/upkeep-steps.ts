import { cleanLog } from '../../steps/upkeep/clean-log.ts';
import { compactNext, type Compaction } from '../../steps/upkeep/compact.ts';
import type { UpkeepDeps } from '../../steps/upkeep/deps.ts';
import { vacuum } from '../../steps/upkeep/vacuum.ts';
import type { RunContext } from '../../steps/run-context.ts';
import type { Table } from '../../tables/table.ts';

/** The work of upkeep on one table. */
export interface TableWorkDone {
  /** The files that were merged, and the bytes of the merged files. */
  readonly compacted: Omit<Compaction, 'bytes'>;
  /** Deleted files of the log. */
  readonly logFiles: number;
  /** Deleted data files. */
  readonly dataFiles: number;
}

/** Merges all small files of a table, as a run of `maintain` does. */
export async function compactAll(
  deps: UpkeepDeps,
  run: RunContext,
  table: Table,
): Promise<TableWorkDone['compacted']> {
  let [files, writtenBytes] = [0, 0];
  for (;;) {
    const step = await compactNext(deps, run, table);
    files += step.files;
    writtenBytes += step.writtenBytes;
    if (step.groupsLeft === 0) return { files, writtenBytes };
  }
}

/** Does the upkeep of a table in this process, as a run of `maintain` does. */
export async function maintainTable(deps: UpkeepDeps, run: RunContext, table: Table): Promise<TableWorkDone> {
  const compacted = await compactAll(deps, run, table);
  const { files: logFiles } = await cleanLog(deps, table, run.execution.runId);
  const { files: dataFiles } = await vacuum(deps, table);
  return { compacted, logFiles, dataFiles };
}
