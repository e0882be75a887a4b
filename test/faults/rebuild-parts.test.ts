/**
 * A rebuild whose process is killed after any request of its plan or of a part, or that loses the response to any of
 * them. The table keeps its rows, and the next attempt makes the same plan and the same files.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import type { PendingFile } from '../../adapters/delta/pending-files.ts';
import { RebuildState, type RebuiltPart } from '../../steps/rebuild/rebuild-plan.ts';
import { questions } from '../support/attempt-contract.ts';
import type { FaultyHdfs } from '../support/faulty-hdfs.ts';
import { failEverywhere } from '../support/fail-everywhere.ts';
import { LANDED, REBUILT_ROWS, RebuildTables } from './rebuild-tables.ts';

describe('a rebuild that fails before its commit', () => {
  let tables: RebuildTables;
  let faulty: FaultyHdfs;
  let base: string;

  before(async () => {
    tables = await RebuildTables.start('rebuild-parts');
    ({ faulty } = tables);
    base = await tables.make();
  });

  after(() => faulty.stop());

  /** Reads a part as the commit does, without the times of its files. */
  async function partIn(path: string, plan: string): Promise<RebuiltPart | undefined> {
    const { deps, run } = tables.runAt(path);
    const table = deps().warehouse.open(questions.name);
    const part = await new RebuildState(table, run.execution.runId).readPart(plan, 0);
    return part;
  }

  /** Returns a part without the random names of its uploads. */
  function withoutNames(part: RebuiltPart | undefined): unknown {
    return part && { ...part, files: part.files.map(({ add }) => add) };
  }

  async function sha256Of(path: string, file: PendingFile): Promise<string> {
    const bytes = await faulty.direct.read(`${path}/${questions.name}/${file.temporary}`);
    return createHash('sha256').update(bytes).digest('hex');
  }

  /** Derives the files of a part once; later calls copy them. */
  function deriveOnce(): void {
    const derive = tables.transform;
    const derived = join(faulty.local, 'derived');
    let first: ReturnType<typeof derive> | undefined;
    tables.transform = async (task) => {
      const target = join(task.root, task.folder);
      if (first === undefined) {
        first = derive(task);
        await first;
        await cp(target, derived, { recursive: true });
        return first;
      }
      const { files, ...rest } = await first;
      for (const name of await readdir(derived))
        await cp(join(derived, name), join(target, name), { recursive: true });
      const folders = task.folder.split('/').length;
      const moved = files.map((file) => ({
        ...file,
        path: [task.folder, ...file.path.split('/').slice(folders)].join('/'),
      }));
      return { ...rest, files: moved };
    };
  }

  test('creates a missing table at the position of deliveries, once, and makes the same plan again', async () => {
    const without = await tables.copyOf(base);
    await faulty.direct.delete(`${without}/${questions.name}`, { recursive: true });
    const { plan } = await tables.runAt(await tables.copyOf(without)).plan();
    let planned = '';
    const requests = await failEverywhere(faulty, without, {
      run: async (path, hdfs) => {
        ({ plan: planned } = await tables.runAt(path).plan(hdfs));
      },
      check: async (path, when) => {
        const head = await tables.warehouseAt(path).open(questions.name).head();
        if (head !== undefined)
          assert.deepEqual([head.version, head.txns.get('t/0')], [0, BigInt(LANDED)], when);
      },
      checkEnd: async (path) => {
        assert.equal(planned, plan);
        const { deps, run } = tables.runAt(path);
        const state = new RebuildState(deps().warehouse.open(questions.name), run.execution.runId);
        assert.equal((await state.readPlan(plan))?.parts.flat().length, LANDED);
      },
    });
    assert.ok(requests > 30, `${requests} requests`);
  });

  test('makes the same files of a part again, which the commit then finds', async () => {
    deriveOnce();
    const path = await tables.copyOf(base);
    const { plan } = await tables.runAt(path).plan();
    const reference = await tables.copyOf(path);
    await tables.runAt(reference).part(plan);
    const made = await partIn(reference, plan);
    let last = '';
    const requests = await failEverywhere(faulty, path, {
      run: (copy, hdfs) => tables.runAt(copy).part(plan, hdfs),
      check: async (copy, when) => {
        assert.equal((await tables.warehouseAt(copy).open(questions.name).head())?.version, LANDED, when);
        const part = await partIn(copy, plan);
        if (part !== undefined) assert.deepEqual(withoutNames(part), withoutNames(made), when);
        for (const file of part?.files ?? [])
          assert.equal(await sha256Of(copy, file), file.add.tags?.['sha256'], when);
      },
      checkEnd: async (copy) => {
        last = copy;
        assert.deepEqual(withoutNames(await partIn(copy, plan)), withoutNames(made));
      },
    });
    assert.ok(requests >= 10, `${requests} requests`);
    assert.equal((await tables.runAt(last).commit(plan)).outcome, 'committed');
    assert.deepEqual(await tables.rowsIn(last), REBUILT_ROWS);
  });
});
