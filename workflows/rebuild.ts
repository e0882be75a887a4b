import {
  CancellationScope,
  continueAsNew,
  defineQuery,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { RebuildRequest, RebuildResult, TableRebuild } from '../model/rebuild.ts';
import { rebuildOf } from './activity-proxies.ts';
import { requireContinued, requireRebuildRequest } from './request.ts';
import { TableWork, requireNoFailure } from './table-work.ts';

/** Returns what a run of `rebuild` has done so far. */
export const rebuildStatus = defineQuery<RebuildResult>('status');

/** How often a rebuild of a table begins, if other commits change the table each time. */
const MAX_PLANS = 5;

/** How often parts are done again whose files another program deleted before the commit. */
const MAX_REPAIRS = 3;

/**
 * Rebuilds tables from `deliveries`, one after the other, each in one entry of its log. Runs land meanwhile. A table
 * whose rebuild fails is left as it is, and does not stop that of the others.
 * @param carried The result of the previous history, from the run's own continue-as-new.
 * @throws {ApplicationFailure} REQUEST_INVALID, REBUILD_FAILED
 */
export async function rebuild(request: RebuildRequest, carried?: RebuildResult): Promise<RebuildResult> {
  requireRebuildRequest(request);
  requireContinued(carried);
  const done = new Map(carried?.tables.map((state) => [state.table, state]));
  const result = (): RebuildResult => ({ tables: [...done.values()] });
  setHandler(rebuildStatus, result);
  try {
    for (const table of new Set(request.tables)) {
      if (done.has(table)) continue;
      // Between two tables, since a rebuild in progress is known by the run's id.
      if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof rebuild>(request, result());
      await new Rebuild(table, (state) => done.set(table, state)).run();
    }
  } finally {
    await CancellationScope.nonCancellable(() => rebuildOf('temporary files').cleanUp());
  }
  requireNoFailure(result().tables, 'REBUILD_FAILED');
  return result();
}

/** The rebuild of one table. */
class Rebuild {
  readonly #work: TableWork<TableRebuild>;

  constructor(table: string, onChange: (state: TableRebuild) => void) {
    this.#work = new TableWork<TableRebuild>({ ...NOTHING_DONE, table }, onChange);
  }

  async run(): Promise<void> {
    await this.#work.run(async () => {
      let changed: string | undefined = '';
      while (changed !== undefined && this.#work.state.plans < MAX_PLANS) changed = await this.#attempt();
      if (changed !== undefined) this.#work.change({ failure: describeOvertaken(changed) });
    });
  }

  /** Plans, transforms and commits. @returns What changed the table meanwhile; undefined once it is committed. */
  async #attempt(): Promise<string | undefined> {
    const { table, plans } = this.#work.state;
    this.#work.change({ ...NOTHING_DONE, plans: plans + 1 });
    const { planRebuild, commitRebuild } = rebuildOf(`rebuild of ${table}`);
    const { plan, parts } = await planRebuild({ table });
    this.#work.change({ parts });
    let due: readonly number[] = Array.from({ length: parts }, (_, part) => part);
    for (let repairs = 0; repairs <= MAX_REPAIRS; repairs += 1) {
      for (const part of due)
        if (!(await this.#transform(plan, part))) return 'by the deletion of files of deliveries';
      const committed = await commitRebuild({ table, plan });
      if (committed.outcome === 'stale') return committed.changed;
      if (committed.outcome === 'committed') {
        const { version, replacedFiles } = committed;
        this.#work.change({ version, replacedFiles });
        return undefined;
      }
      due = committed.parts;
    }
    return 'by the deletion of its new files';
  }

  /** Transforms a part. @returns Whether the plan can still be carried out. */
  async #transform(plan: string, part: number): Promise<boolean> {
    const { table, parts } = this.#work.state;
    const { rebuildPart } = rebuildOf(`part ${part + 1} of ${parts} of ${table}`);
    const made = await rebuildPart({ table, plan, part });
    if (made.outcome === 'stale') return false;
    const { partsDone, deliveries, files, bytes, rows } = this.#work.state;
    this.#work.change({
      partsDone: partsDone + 1,
      deliveries: deliveries + made.deliveries,
      files: files + made.files,
      bytes: bytes + made.bytes,
      rows: rows + made.rows,
    });
    return true;
  }
}

const NOTHING_DONE = {
  plans: 0,
  parts: 0,
  partsDone: 0,
  deliveries: 0,
  files: 0,
  bytes: 0,
  rows: 0,
  replacedFiles: 0,
  version: null,
  failure: null,
} satisfies Omit<TableRebuild, 'table'>;

function describeOvertaken(changed: string): string {
  return `other commits changed the table during each of ${MAX_PLANS} attempts, the last time ${changed}`;
}
