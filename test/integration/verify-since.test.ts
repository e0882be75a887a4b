import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import type { WarehouseReport } from '../../client/verify/verify-warehouse.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { DamagedCopy } from '../support/damage.ts';
import { TestPipeline } from '../support/harness.ts';
import { requireFinding } from '../support/verified.ts';

const ROWS = 20;

describe('verify --since', () => {
  let pipeline: TestPipeline;
  let contents = 0;
  let copies = 0;

  before(async () => {
    pipeline = await TestPipeline.create(
      { source: { url: 'file:feed' } },
      { maintenance: { openPartitionFiles: 2 } },
    );
    await pipeline.startWorker();
    await ingest();
  });

  after(() => pipeline.close());

  async function ingest(): Promise<void> {
    contents += 1;
    await pipeline.placeFiles({
      feed: JSON.stringify([...generateAttempts({ seed: contents, count: ROWS })]),
    });
    const { outcome } = await (await pipeline.start({ source: 'source' })).result();
    assert.equal(outcome, 'landed');
  }

  /** Returns a copy of the tables and the proofs, to be damaged. */
  function copy(): Promise<DamagedCopy> {
    copies += 1;
    return DamagedCopy.of(pipeline, `copy-${copies}`);
  }

  type Commands = Pick<DamagedCopy, 'command'>;

  async function verify(of: Commands, ...words: string[]): Promise<WarehouseReport> {
    const { stdout, stderr } = await of.command('verify', '--json', ...words);
    assert.notEqual(stdout, '', stderr);
    return JSON.parse(stdout) as WarehouseReport;
  }

  async function requireRefused(of: Commands, code: string, message: RegExp): Promise<void> {
    const { code: exit, stderr } = await of.command('verify', '--since', 'last');
    assert.equal(exit, 1);
    assert.match(stderr, new RegExp(`^${code}: .*${message.source}`, 'm'));
  }

  const sumOf = (report: WarehouseReport, count: 'consumed' | 'deliveries' | 'gaps'): number =>
    report.partitions.reduce((sum, partition) => sum + partition[count], 0);
  const filesOf = (report: WarehouseReport, table: string): number =>
    report.tables.find((one) => one.table === table)?.files ?? NaN;

  test('without an earlier proof is an error that says what to do', async () => {
    await requireRefused(pipeline, 'PROOF_UNKNOWN', /there is none/);
  });

  test('verifies nothing again if nothing was added', async () => {
    const whole = await verify(pipeline);
    assert.deepEqual([whole.verified, whole.since, sumOf(whole, 'deliveries')], [true, null, ROWS]);
    const since = await verify(pipeline, '--since', 'last');
    assert.deepEqual([since.verified, sumOf(since, 'consumed')], [true, 0]);
    assert.deepEqual(
      since.tables.map(({ files }) => files),
      since.tables.map(() => 0),
    );
  });

  test('verifies what landed since, and continues from its own result', async () => {
    await ingest();
    const { code, stdout } = await pipeline.command('verify', '--since', 'last');
    assert.equal(code, 0, stdout);
    assert.match(stdout, new RegExp(`^verified: \\d+ offsets = ${ROWS} deliveries \\+ 0 quarantined`, 'm'));
    assert.match(
      stdout,
      /^these were added since .*, when \d+ offsets and \d+ rows in \d+ files were verified$/m,
    );
    await ingest();
    const next = await verify(pipeline, '--since', 'last');
    assert.deepEqual(
      [next.verified, sumOf(next, 'deliveries'), filesOf(next, 'deliveries')],
      [true, ROWS, 1],
    );
  });

  test('continues an earlier proof by its time', async () => {
    const { stdout } = await pipeline.command('verify', '--json');
    const { since } = JSON.parse(
      (await pipeline.command('verify', '--json', '--since', 'last')).stdout,
    ) as WarehouseReport;
    assert.equal((JSON.parse(stdout) as WarehouseReport).since, null);
    await ingest();
    const report = await verify(pipeline, '--since', since ?? '');
    assert.deepEqual([report.since, sumOf(report, 'deliveries')], [since, ROWS]);
    const { stderr } = await pipeline.command('verify', '--since', '2020-01-01');
    assert.match(stderr, /PROOF_UNKNOWN: .* the oldest is of 20/);
  });

  test('reads files that upkeep merged, whose rows it knows in part', async () => {
    await verify(pipeline, '--since', 'last');
    await ingest();
    const { code, stderr } = await pipeline.command('maintain', '--follow');
    assert.equal(code, 0, stderr);
    const report = await verify(pipeline, '--since', 'last');
    assert.deepEqual(report.findings, []);
    assert.deepEqual([sumOf(report, 'deliveries'), filesOf(report, 'deliveries')], [ROWS, 1]);
  });

  describe('of a damaged warehouse, after a landing', () => {
    before(async () => {
      await verify(pipeline);
      await ingest();
    });

    test('names a verified file that is missing, and one that was truncated', async () => {
      const damaged = await copy();
      const { path } = await damaged.firstLive('attempts');
      await damaged.hdfs.delete(path);
      const cut = await damaged.firstLive('options');
      await damaged.replace(cut.path, (await damaged.hdfs.read(cut.path)).subarray(1));
      const report = await verify(damaged, '--since', 'last');
      requireFinding(report, 'FILE_UNREADABLE', path, /does not exist/);
      requireFinding(report, 'FILE_LENGTH', cut.path, /the log says/);
    });

    test('names a second row of a verified message', async () => {
      const damaged = await copy();
      const sql = 'FROM rows ORDER BY kafka_partition, kafka_offset LIMIT 1';
      await damaged.append('deliveries', [{ add: await damaged.fileOf('deliveries', sql) }]);
      const report = await verify(damaged, '--since', 'last');
      assert.deepEqual(
        report.findings.map(({ code }) => code),
        ['MESSAGE_TWICE'],
      );
    });

    test('names child rows that are missing', async () => {
      const damaged = await copy();
      const empty = await damaged.fileOf('options', 'FROM rows WHERE false');
      const last = await damaged.lastLive('options');
      await damaged.rewriteLog('options', (action) =>
        action.add?.path === last.add.path ? { add: empty } : action,
      );
      const report = await verify(damaged, '--since', 'last');
      requireFinding(
        report,
        'CHILD_COUNT',
        'options',
        /questions have other options than their option_count/,
      );
    });

    test('is refused after a commit that removed rows', async () => {
      const damaged = await copy();
      const { add } = await damaged.firstLive('attempts');
      await damaged.append('attempts', [{ remove: { path: add.path, dataChange: true } }]);
      await requireRefused(damaged, 'PROOF_OUTDATED', /\(DAMAGE\) of attempts removed rows since/);
    });

    test('is refused after the log was replaced', async () => {
      const damaged = await copy();
      await damaged.rewriteLog('questions', ({ commitInfo, ...rest }) =>
        commitInfo ? { commitInfo: { ...commitInfo, note: 'replaced' } } : rest,
      );
      await requireRefused(
        damaged,
        'PROOF_OUTDATED',
        /the log of questions does not have the version \d+ of then/,
      );
    });

    test('keeps no result where the folder cannot be written, and says so', async () => {
      const damaged = await copy();
      await damaged.hdfs.delete(`${damaged.warehouse}/_proofs`, { recursive: true });
      await damaged.hdfs.create(`${damaged.warehouse}/_proofs`, Buffer.from('a file'));
      const { code, stderr } = await damaged.command('verify');
      assert.equal(code, 0, stderr);
      assert.match(stderr, /the result was not kept in .*_proofs: /);
    });
  });
});
