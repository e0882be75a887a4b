import {
  CancellationScope,
  continueAsNew,
  defineQuery,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { MaintainRequest, MaintainResult, TableUpkeep } from '../model/upkeep.ts';
import { upkeepOf } from './activity-proxies.ts';
import { requireContinued, requireMaintainRequest } from './request.ts';
import { TableWork, requireNoFailure } from './table-work.ts';

/** Returns what a run of `maintain` has done so far. */
export const upkeepStatus = defineQuery<MaintainResult>('status');

/**
 * Maintains the tables, one after the other: merges small files, cleans the log, and deletes unused files. It only adds
 * entries to the log, so it runs beside landings. A table whose upkeep fails does not stop that of the others.
 * @param carried The result of the previous history, from the run's own continue-as-new; its last table is unfinished.
 * @throws {ApplicationFailure} REQUEST_INVALID, UPKEEP_FAILED
 */
export async function maintain(
  request: MaintainRequest = {},
  carried?: MaintainResult,
): Promise<MaintainResult> {
  requireMaintainRequest(request);
  requireContinued(carried);
  const done = new Map(carried?.tables.map((upkeep) => [upkeep.table, upkeep]));
  const result = (): MaintainResult => ({ tables: [...done.values()] });
  setHandler(upkeepStatus, result);
  try {
    const tables = request.tables ?? (await upkeepOf('tables of the warehouse').listTables());
    const finished = new Set([...done.keys()].slice(0, -1));
    for (const table of tables.filter((name) => !finished.has(name))) {
      const upkeep = new Upkeep(table, done.get(table), (state) => done.set(table, state));
      if ((await upkeep.run()) === 'history-full') await continueAsNew<typeof maintain>(request, result());
    }
  } finally {
    await CancellationScope.nonCancellable(() => upkeepOf('temporary files').cleanUp());
  }
  requireNoFailure(result().tables, 'UPKEEP_FAILED');
  return result();
}

/** The upkeep of one table. */
class Upkeep {
  readonly #work: TableWork<TableUpkeep>;

  constructor(table: string, state: TableUpkeep | undefined, onChange: (state: TableUpkeep) => void) {
    this.#work = new TableWork(state ?? { ...NOTHING_DONE, table }, onChange);
  }

  async run(): Promise<'done' | 'history-full'> {
    const isFull = await this.#work.run(async () => {
      if (!(await this.#compact())) return true;
      await this.#delete();
      return false;
    });
    return isFull === true ? 'history-full' : 'done';
  }

  /** @returns Whether nothing is left to compact; otherwise the history is full. */
  async #compact(): Promise<boolean> {
    const { table } = this.#work.state;
    const { compact } = upkeepOf(`small files of ${table}`);
    for (;;) {
      const { files, bytes, writtenBytes, groupsLeft } = await compact({ table });
      const { compactedFiles, compactions, compactedBytes } = this.#work.state;
      if (files > 0)
        this.#work.change({
          compactedFiles: compactedFiles + files,
          compactions: compactions + 1,
          compactedBytes: compactedBytes + bytes,
          writtenBytes: this.#work.state.writtenBytes + writtenBytes,
        });
      if (groupsLeft === 0) return true;
      if (workflowInfo().continueAsNewSuggested) return false;
    }
  }

  async #delete(): Promise<void> {
    const { table } = this.#work.state;
    const log = await upkeepOf(`log of ${table}`).cleanLog({ table });
    this.#work.change({ logFiles: log.files });
    const data = await upkeepOf(`unused files of ${table}`).vacuum({ table });
    this.#work.change({ dataFiles: data.files, dataBytes: data.bytes });
  }
}

const NOTHING_DONE = {
  compactedFiles: 0,
  compactions: 0,
  compactedBytes: 0,
  writtenBytes: 0,
  logFiles: 0,
  dataFiles: 0,
  dataBytes: 0,
  failure: null,
} satisfies Omit<TableUpkeep, 'table'>;
