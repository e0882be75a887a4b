import type { Table } from '../../tables/table.ts';
import { expiredLogFiles } from './clean-log.ts';
import { compactionGroups } from './compact.ts';
import type { UpkeepDeps } from './deps.ts';
import { expiredDataFiles } from './vacuum.ts';

/** A file with its size in bytes. Its path is absolute, or relative to the table's folder where it is merged. */
interface NamedFile {
  readonly path: string;
  readonly bytes: number;
}

/** The files of a table that upkeep would merge or delete now. */
export interface UpkeepPlan {
  readonly table: string;
  /** The files that each commit would replace by one. */
  readonly compactions: readonly (readonly NamedFile[])[];
  readonly logFiles: readonly NamedFile[];
  readonly dataFiles: readonly NamedFile[];
}

/** Plans the upkeep of a table. Read-only. */
export async function planUpkeep(
  deps: Pick<UpkeepDeps, 'warehouse' | 'limits' | 'openRunIds'>,
  table: Table,
): Promise<UpkeepPlan> {
  const groups = await compactionGroups(deps, table);
  const logFiles = await expiredLogFiles(deps, table);
  const dataFiles = await expiredDataFiles(deps, table);
  return {
    table: table.name,
    compactions: groups.map(({ files }) => files.map(({ path, size }) => ({ path, bytes: size }))),
    logFiles: logFiles.map(({ path, bytes }) => ({ path, bytes })),
    dataFiles: dataFiles.map(({ path, length }) => ({ path, bytes: length })),
  };
}
