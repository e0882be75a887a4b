import type { TransactionFence } from '../../adapters/delta/snapshot.ts';
import type { CommitOutcome } from '../../adapters/delta/entries.ts';
import { DeltaTable, type DeltaOptions } from '../../adapters/delta/table.ts';
import type { WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import { createLogger } from '../../adapters/log.ts';
import { attempts } from './attempt-contract.ts';
import { deltaMetadata } from '../../tables/table.ts';
import type { FaultyHdfs } from './faulty-hdfs.ts';
import { pendingFile } from './pending-file.ts';

const LOGGER = createLogger('test', 'fatal');

/** The scratch folder of the commits. */
export const SCRATCH = 'run';

/** Delta tables in the folder of a test file, with the columns of `attempts`. */
export class TestTables {
  readonly #faulty: FaultyHdfs;

  constructor(faulty: FaultyHdfs) {
    this.#faulty = faulty;
  }

  /** Opens a table as another process would. */
  open(
    path: string,
    hdfs: WebHdfs = this.#faulty.direct,
    checkpointInterval = 5,
    more: Partial<DeltaOptions> = {},
  ): DeltaTable {
    return new DeltaTable(path, { hdfs, logger: LOGGER, checkpointInterval, ...more });
  }

  /** Creates an empty table, and opens it with a client. */
  async create(hdfs: WebHdfs = this.#faulty.direct): Promise<DeltaTable> {
    const table = this.open(this.#faulty.fresh(), hdfs);
    await this.open(table.path).createIfMissing(deltaMetadata(attempts), SCRATCH);
    return table;
  }

  /** Returns the files that another process finds in a table. */
  async filesOf(table: DeltaTable): Promise<string[]> {
    return [...((await this.open(table.path).snapshot())?.files.keys() ?? [])];
  }
}

/** Returns the fence of a commit of offsets. */
export function fence(from: number, to: number): TransactionFence[] {
  return [{ appId: 't/0', from: BigInt(from), to: BigInt(to) }];
}

/** Commits offsets as one file. */
export async function commit(
  table: DeltaTable,
  from: number,
  to: number,
  file = `${from}-${to}`,
): Promise<CommitOutcome> {
  const files = [await pendingFile(table.path, file)];
  return table.commit({ fences: fence(from, to), files, info: {}, scratch: SCRATCH });
}

/** Returns the path of a log entry. */
export function entryOf({ path }: DeltaTable, version: number): string {
  return `${path}/_delta_log/${String(version).padStart(20, '0')}.json`;
}
