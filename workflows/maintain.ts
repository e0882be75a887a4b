import {
  ApplicationFailure,
  CancellationScope,
  continueAsNew,
  defineQuery,
  isCancellation,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { messageOf } from '../model/errors.ts';
import type { MaintainRequest, MaintainResult, TableUpkeep } from '../model/upkeep.ts';
import { failureOf, upkeepOf } from './activity-proxies.ts';
import { requireContinued, requireMaintainRequest } from './request.ts';

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
  const failed = result().tables.filter(({ failure }) => failure !== null);
  if (failed.length > 0) throw upkeepFailed(failed);
  return result();
}

/** The upkeep of one table. */
class Upkeep {
  #state: TableUpkeep;
  readonly #onChange: (state: TableUpkeep) => void;

  constructor(table: string, state: TableUpkeep | undefined, onChange: (state: TableUpkeep) => void) {
    this.#state = state ?? { ...NOTHING_DONE, table };
    this.#onChange = onChange;
  }

  async run(): Promise<'done' | 'history-full'> {
    try {
      if (!(await this.#compact())) return 'history-full';
      await this.#delete();
    } catch (error) {
      if (isCancellation(error)) throw error;
      this.#change({ failure: failureOf(error)?.message ?? messageOf(error) });
    }
    return 'done';
  }

  /** @returns Whether nothing is left to compact; otherwise the history is full. */
  async #compact(): Promise<boolean> {
    const { table } = this.#state;
    const { compact } = upkeepOf(`small files of ${table}`);
    for (;;) {
      const { files, bytes, writtenBytes, groupsLeft } = await compact({ table });
      const { compactedFiles, compactions, compactedBytes } = this.#state;
      if (files > 0)
        this.#change({
          compactedFiles: compactedFiles + files,
          compactions: compactions + 1,
          compactedBytes: compactedBytes + bytes,
          writtenBytes: this.#state.writtenBytes + writtenBytes,
        });
      if (groupsLeft === 0) return true;
      if (workflowInfo().continueAsNewSuggested) return false;
    }
  }

  async #delete(): Promise<void> {
    const { table } = this.#state;
    const log = await upkeepOf(`log of ${table}`).cleanLog({ table });
    this.#change({ logFiles: log.files });
    const data = await upkeepOf(`unused files of ${table}`).vacuum({ table });
    this.#change({ dataFiles: data.files, dataBytes: data.bytes });
  }

  #change(change: Partial<TableUpkeep>): void {
    this.#state = { ...this.#state, ...change };
    this.#onChange(this.#state);
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

function upkeepFailed(tables: readonly TableUpkeep[]): ApplicationFailure {
  const faults = tables.map(({ table, failure }) => `${table}: ${failure}`);
  return ApplicationFailure.nonRetryable(faults.join('; '), 'UPKEEP_FAILED');
}
