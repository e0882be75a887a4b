/** Tables that are set back to an earlier version: what landed after it lands again, exactly once. */
import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import type { Waiting } from '../../model/run.ts';
import { sourceOf } from '../../model/settings.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { BATCH_TABLES } from '../../tables/index.ts';
import { withAdmin } from '../../adapters/kafka/client.ts';
import { TestPipeline, eventually, queryStatus, type IngestHandle } from '../support/harness.ts';
import { OtherProgram } from '../support/rewritten-tables.ts';

const RUNS = 4;
const ROWS = 5;

interface Restored {
  readonly version: number | null;
  readonly positions: readonly { from: string; to: string }[];
}

describe('a restore', () => {
  let pipeline: TestPipeline;
  let contents = 0;

  before(async () => {
    pipeline = await TestPipeline.create({ source: { url: 'file:feed' } }, { kafka: { partitions: 1 } });
    await pipeline.startWorker();
    for (let run = 1; run <= RUNS; run += 1) await ingest();
  });

  after(() => pipeline.close());

  async function startNew(): Promise<IngestHandle> {
    contents += 1;
    const feed = [...generateAttempts({ seed: contents, count: ROWS })];
    await pipeline.placeFiles({ feed: JSON.stringify(feed) });
    return pipeline.start({ source: 'source' });
  }

  async function ingest(): Promise<void> {
    assert.equal((await (await startNew()).result()).outcome, 'landed');
  }

  async function json<T>(...words: string[]): Promise<T> {
    const { code, stdout, stderr } = await pipeline.command(...words, '--json');
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as T;
  }

  function restore(table: string, to: string | number): Promise<Restored> {
    return json<Restored>('restore', table, '--to', String(to), '--yes');
  }

  async function refusal(...words: string[]): Promise<string> {
    const { code, stderr } = await pipeline.command('restore', ...words);
    assert.notEqual(code, 0);
    return stderr;
  }

  /** Returns all values of all rows of the messages before an offset. */
  function rowsBefore(offset: number): Promise<unknown> {
    const all = BATCH_TABLES.map(
      ({ name }) =>
        `'${name}', (SELECT list(t::VARCHAR ORDER BY t::VARCHAR) FROM ${name} AS t WHERE kafka_offset < ${offset})`,
    );
    return json('query', `SELECT ${all.join(', ')}`);
  }

  async function requireVerified(): Promise<void> {
    const { code, stdout } = await pipeline.command('verify');
    assert.equal(code, 0, stdout);
  }

  async function waitingOf(run: IngestHandle): Promise<Waiting> {
    await eventually('the run waits', async () => (await queryStatus(run)).state === 'waiting');
    const { waiting } = await queryStatus(run);
    assert.ok(waiting !== null);
    return waiting;
  }

  const headOf = (table: string) => pipeline.warehouse.open(table).head();

  async function positionOf(table: string): Promise<number> {
    const { topic } = sourceOf(pipeline.settings, 'source');
    return Number((await headOf(table))?.txns.get(`${topic}/0`));
  }

  test('sets files and positions back, and the next run lands again what each table lacks', async () => {
    const landed = await positionOf('deliveries');
    const whole = await rowsBefore(landed);
    const stale = pipeline.warehouse.open('attempts');
    await stale.head();
    const { positions } = await restore('attempts', 1);
    assert.deepEqual([positions.length, positions[0]?.from], [1, String(landed)]);
    await restore('questions', 2);
    await restore('deliveries', 3);
    assert.equal(await positionOf('attempts'), Number(positions[0]?.to));
    assert.deepEqual(await json('query', 'SELECT count(*)::INT AS n FROM attempts'), [{ n: ROWS }]);
    // A process that read the log before must not take for landed what is due again.
    const appId = `${sourceOf(pipeline.settings, 'source').topic}/0`;
    const fence = { appId, from: BigInt(positions[0]?.to ?? 0), to: BigInt(landed) };
    assert.equal(await stale.findLanded([fence]), undefined);
    assert.match((await pipeline.command('verify')).stdout, /^TABLES_DISAGREE: .*attempts holds offsets/m);
    await ingest();
    assert.deepEqual(await rowsBefore(landed), whole);
    await requireVerified();
  });

  test('finds the version of a time, and changes nothing where nothing differs', async () => {
    const head = await headOf('options');
    assert.equal((await restore('options', new Date().toISOString())).version, null);
    assert.equal((await headOf('options'))?.version, head?.version);
  });

  test('asks for confirmation, and is refused for what would not land again or does not exist', async () => {
    assert.match(await refusal('attempts', '--to', '1'), /^USAGE_INVALID: .*confirm with --yes/);
    assert.match(await refusal('attempts', '--to', '999', '--yes'), /^VERSION_UNKNOWN: /);
    assert.match(
      await refusal('runs', '--to', '1', '--yes'),
      /^RESTORE_REFUSED: \S+\/runs: version 1 lacks the rows of \d+ transactions .* one of them is /,
    );
  });

  test('gives back the rows that another program removed, but not a version that lacks them', async () => {
    const program = new OtherProgram(pipeline.warehouse.options.hdfs, `${pipeline.warehouse.path}/runs`);
    const whole = await program.version();
    const lossy = await program.restore(2);
    assert.match(
      (await pipeline.command('verify')).stdout,
      new RegExp(`^TABLE_REWRITTEN: runs: .*to repair it: pipeline restore runs --to ${whole}$`, 'm'),
    );
    assert.match(
      await refusal('runs', '--to', String(lossy), '--yes'),
      new RegExp(`^RESTORE_REFUSED: .*version ${lossy} \\(RESTORE\\).* version ${whole} has not`),
    );
    await restore('runs', whole);
    await requireVerified();
    await ingest();
  });

  test('names the rebuild that fills a table where Kafka no longer has the messages', async () => {
    const landed = await positionOf('deliveries');
    const whole = await rowsBefore(landed);
    const { topic } = sourceOf(pipeline.settings, 'source');
    await withAdmin(pipeline.kafka, async (admin) => {
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(landed) }] });
    });
    assert.match(
      await refusal('deliveries', '--to', '2', '--yes'),
      /^RESTORE_REFUSED: deliveries: Kafka no longer has the offsets of /,
    );
    await restore('options', 1);
    const run = await startNew();
    const waiting = await waitingOf(run);
    assert.equal(waiting.code, 'RANGE_GONE');
    assert.match(waiting.message, /deliveries has the rows: pipeline rebuild options$/);
    await json('rebuild', 'options', '--follow');
    assert.equal(await positionOf('options'), landed);
    await run.executeUpdate('retry');
    assert.equal((await run.result()).outcome, 'landed');
    assert.deepEqual(await rowsBefore(landed), whole);
    await requireVerified();
  });
});
