import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { sqlText, withDuckDb } from '../../adapters/duckdb/database.ts';
import type { ErasureCheck } from '../../client/erasure/check.ts';
import type { RecordDeletion } from '../../client/erasure/delete-records.ts';
import type { OpenRun } from '../../client/erasure/open-runs.ts';
import type { EraseResult } from '../../model/erasure.ts';
import { MAX_RECORD_BYTES } from '../../model/settings-limits.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { REBUILDABLE_TABLES, deliveries } from '../../tables/index.ts';
import { TestPipeline, eventually, queryStatus, type TestWorker } from '../support/harness.ts';
import { pendingFile } from '../support/pending-file.ts';
import { QuarantinedTopic } from '../support/quarantined.ts';

const KEY_VARIABLE = 'PIPELINE_TEST_ERASURE_KEY';
const KEY = 'a secret key of the tests, 32 bytes or more';
const ROWS = 40;
const SOURCE = 'source';

/** All rows of the tables as one number each, whatever their order, but for the persons and their messages. */
const OTHER_ROWS = (persons: readonly string[]): string => {
  const list = [...persons, 'nobody'].map(sqlText).join(', ');
  const messages = `SELECT kafka_topic, kafka_partition, kafka_offset FROM attempts WHERE user_exam_id IN (${list})`;
  return [...REBUILDABLE_TABLES, deliveries]
    .map(
      ({ name }) =>
        `SELECT '${name}' AS name, count(*) AS rows, sum(hash(t)::HUGEINT)::VARCHAR AS sum FROM ${name} AS t ` +
        `ANTI JOIN (${messages}) USING (kafka_topic, kafka_partition, kafka_offset)`,
    )
    .join(' UNION ALL ');
};

describe('erasure', () => {
  let pipeline: TestPipeline;
  let worker: TestWorker;
  let topic: QuarantinedTopic;
  let erased: string[];

  before(async () => {
    process.env[KEY_VARIABLE] = KEY;
    pipeline = await TestPipeline.create(
      { [SOURCE]: { url: 'file:feed' } },
      {
        erasure: { keyVariable: KEY_VARIABLE },
        maintenance: { openPartitionFiles: 2 },
        limits: { checkpointInterval: 3 },
      },
    );
    worker = await pipeline.startWorker();
    topic = new QuarantinedTopic(pipeline, SOURCE);
    const feed = generated(1);
    erased = [...new Set(feed.map((attempt) => attempt.user_exam_id))].slice(0, 3);
    const [first, second] = erased;
    // A record that is too large to publish, and messages that are quarantined: by their key, and by their value alone.
    const large = { ...feed[0], user_exam_id: first, padding: 'x'.repeat(MAX_RECORD_BYTES) };
    await ingest([...feed, large]);
    const value = Buffer.from(JSON.stringify({ user_exam_id: second, keen_id: 1 }));
    await topic.publish(
      { key: first ?? '', value: Buffer.from('no JSON') },
      { key: null, value },
      { key: 'another person', value: Buffer.from('no JSON') },
    );
    await ingest(generated(2));
    // Older versions hold the persons in files that are not live any more.
    assert.equal((await pipeline.command('maintain', '--follow')).code, 0);
  });

  after(async () => {
    await pipeline.close();
  });

  function generated(seed: number) {
    return [...generateAttempts({ seed, count: ROWS })];
  }

  async function ingest(feed: readonly object[]) {
    await pipeline.placeFiles({ feed: JSON.stringify(feed) });
    const result = await (await pipeline.start({ source: SOURCE })).result();
    assert.equal(result.outcome, 'landed');
    return result;
  }

  /** Runs a command and returns its output, parsed. */
  async function json<T>(...words: string[]): Promise<T> {
    const { code, stdout, stderr } = await pipeline.command(...words, '--json');
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as T;
  }

  async function verified(): Promise<string> {
    const { code, stdout } = await pipeline.command('verify');
    assert.equal(code, 0, stdout);
    return stdout.split('\n').find((line) => line.startsWith('verified')) ?? '';
  }

  async function personFile(): Promise<string> {
    await writeFile(join(pipeline.folder, 'persons'), erased.join('\r\n'));
    return 'persons';
  }

  async function erase(): Promise<EraseResult> {
    const words = ['--requested-by', 'the school', '--reason', 'ticket 12', '--yes', '--follow'];
    return json<EraseResult>('erase', SOURCE, '--person-file', await personFile(), ...words);
  }

  /** Runs `erase --check`. */
  async function check(): Promise<ErasureCheck> {
    const words = ['erase', SOURCE, '--person-file', await personFile(), '--check', '--json'];
    const { code, stdout } = await pipeline.command(...words);
    const result = JSON.parse(stdout) as ErasureCheck;
    assert.equal(code, result.clean ? 0 : 1);
    return result;
  }

  function erasedIn(line: string): number {
    return Number(/ (\d+) erased /.exec(line)?.[1]);
  }

  /** Returns the files of the warehouse in HDFS that contain one of some texts, in any column, decoded. */
  async function filesWith(texts: readonly string[]): Promise<string[]> {
    const { hdfs } = pipeline.warehouse.options;
    const folder = join(pipeline.folder, 'raw');
    await mkdir(folder, { recursive: true });
    const found: string[] = [];
    const visit = async (path: string): Promise<void> => {
      for (const entry of await hdfs.list(path)) {
        if (entry.type !== 'FILE') {
          await visit(entry.path);
          continue;
        }
        const bytes = await hdfs.read(entry.path);
        const isRaw = texts.some((text) => bytes.includes(text));
        if (isRaw || (entry.name.endsWith('.parquet') && (await hasRow(bytes, folder, texts))))
          found.push(entry.path);
      }
    };
    await visit(pipeline.warehouse.path);
    return found;
  }

  async function hasRow(bytes: Buffer, folder: string, texts: readonly string[]): Promise<boolean> {
    const local = join(folder, 'file.parquet');
    await writeFile(local, bytes);
    return withDuckDb({ threads: 1, memoryLimit: '256MB', temporaryFolder: folder }, async (connection) => {
      const like = texts.map((text) => `contains(t::VARCHAR, ${sqlText(text)})`).join(' OR ');
      const read = await connection.runAndReadAll(
        `SELECT count(*) FROM (FROM read_parquet(${sqlText(local)})) AS t WHERE ${like}`,
      );
      return Number(read.getRows()[0]?.[0]) > 0;
    });
  }

  test('a person is gone from every table and file, the other rows are equal, and verify counts them as erased', async () => {
    assert.ok((await filesWith(erased)).length > 0);
    const counted = await json<EraseResult>(
      'erase',
      SOURCE,
      '--person-file',
      await personFile(),
      '--dry-run',
    );
    assert.ok((await check()).found.length > 0);
    const before = await json('query', OTHER_ROWS(erased));
    const { messages, records, tables, kafka } = await erase();
    assert.ok(messages >= erased.length + 2);
    assert.equal(records, 1);
    assert.deepEqual([counted.messages, counted.records], [messages, records]);
    const rowsOf = (name: string): number => tables.find(({ table }) => table === name)?.rows ?? 0;
    assert.equal(rowsOf('quarantine'), 3);
    assert.equal(rowsOf('deliveries'), messages - 2);
    assert.equal(rowsOf('attempts'), messages - 2);
    for (const name of ['questions', 'options']) assert.ok(rowsOf(name) > messages, name);
    assert.deepEqual(await json('query', OTHER_ROWS([])), before);
    const kept = await json<{ key: string }[]>('query', 'SELECT decode(key) AS key FROM quarantine');
    assert.deepEqual(
      kept.map(({ key }) => key),
      ['another person'],
    );
    assert.deepEqual(await filesWith(erased), []);
    assert.ok(kafka?.until !== null && kafka !== null && Date.parse(kafka.until) > Date.now());
    assert.match(await verified(), new RegExp(` ${messages} erased `));
    await rm(join(pipeline.folder, 'cache'), { recursive: true, force: true });
    const checked = await check();
    assert.deepEqual(checked.found, []);
    assert.equal(checked.kafka.messages, messages);
    assert.ok(checked.kafka.until !== null);
  });

  test('the audit row says who asked, why, and what was found', async () => {
    const rows = await json<Record<string, unknown>[]>('query', 'FROM erasures');
    assert.equal(rows.length, 1);
    assert.equal(rows[0]?.['requested_by'], 'the school');
    assert.equal(rows[0]['reason'], 'ticket 12');
    assert.equal(Number(rows[0]['persons']), erased.length);
  });

  test('what the customer or another producer sends again of the person is dropped and counted', async () => {
    const again = generated(1).filter(({ user_exam_id }) => erased.includes(user_exam_id));
    await topic.publish(...again.map((attempt) => ({ key: 'other', value: JSON.stringify(attempt) })));
    await topic.publish({ key: erased[0] ?? '', value: 'no JSON' });
    const large = { ...again[0], padding: 'x'.repeat(MAX_RECORD_BYTES) };
    const before = await verified();
    const result = await ingest([...again, ...generated(3), large]);
    assert.equal(result.steps.publish.recordsIn - result.steps.publish.recordsOut, again.length + 1);
    assert.equal(result.erased, 2 * (again.length + 1));
    assert.equal(result.rows['attempts'], ROWS);
    assert.equal(result.rows['quarantine'], 0);
    assert.deepEqual(await filesWith(erased), []);
    assert.equal(erasedIn(await verified()), erasedIn(before) + again.length + 1);
    const rows = await json<Record<string, unknown>[]>(
      'query',
      'SELECT erased FROM runs WHERE erased IS NOT NULL',
    );
    assert.deepEqual(
      rows.map(({ erased: count }) => Number(count)),
      [2 * (again.length + 1)],
    );
  });

  test('a version before the erasure can be neither read nor restored', async () => {
    const { stderr: refused } = await pipeline.command('query', 'FROM attempts', '--as-of', '1');
    assert.match(refused, /^VERSION_GONE: /);
    const before = await json('query', 'SELECT count(*)::INT AS n FROM attempts');
    for (const [version, code] of [
      ['0', 'RESTORE_REFUSED: .*persons were erased after version 0 '],
      ['1', 'VERSION_GONE: '],
    ] as const) {
      const { stderr } = await pipeline.command('restore', 'attempts', '--to', version, '--yes');
      assert.match(stderr, new RegExp(`^${code}`));
    }
    assert.deepEqual(await json('query', 'SELECT count(*)::INT AS n FROM attempts'), before);
  });

  test('a run that waits is named, and Kafka deletes messages of the persons once every table has them', async () => {
    const words = ['erase', SOURCE, '--person-file', await personFile()];
    const deletion = (...more: string[]): Promise<RecordDeletion> =>
      json<RecordDeletion>(...words, '--delete-records', ...more);
    const due = await deletion('--dry-run');
    assert.ok(due.messages > 0 && due.notLanded === 0);
    await topic.publish({ key: erased[0] ?? '', value: 'no JSON' });
    assert.deepEqual(await deletion('--dry-run'), { ...due, notLanded: 1 });
    await pipeline.placeFiles({ feed: 'no JSON' });
    const run = await pipeline.start({ source: SOURCE });
    await eventually('it waits', async () => (await queryStatus(run)).state === 'waiting');
    const { openRuns } = await json<{ openRuns: OpenRun[] }>(...words, '--dry-run');
    assert.deepEqual(
      openRuns.map(({ run: id, state }) => [id, state]),
      [[run.workflowId, 'waiting']],
    );
    await run.executeUpdate('abort');
    await assert.rejects(run.result());
    assert.deepEqual((await deletion('--yes')).partitions, due.partitions);
    assert.equal((await check()).kafka.messages, 1);
    assert.equal((await ingest(generated(5))).rows['attempts'], ROWS);
    await verified();
  });

  test('files that were written before an erasure cannot be committed after it', async () => {
    const table = pipeline.warehouse.table('attempts');
    const late = await pendingFile(table.path, 'source=source/ingested_on=2026-01-01/late.parquet');
    const commit = { fences: [{ appId: 'late/0', from: undefined, to: 1n }], files: [late], info: {} };
    const maxVersions = new Map([['erasures/source/source', 0n]]);
    await assert.rejects(table.commit({ ...commit, maxVersions, scratch: 'late' }), { code: 'STAGING_LOST' });
    await table.pending.discard(late);
  });

  test('no key of a person is in the log of the worker or in Temporal', async () => {
    const log = await readFile(worker.log, 'utf8');
    assert.match(log, /accepts tasks/);
    const histories: string[] = [];
    const query = `WorkflowType = 'erase' AND TaskQueue = '${pipeline.settings.temporal.taskQueue}'`;
    for await (const { workflowId } of pipeline.client.workflow.list({ query })) {
      const { events = [] } = await pipeline.client.workflow.getHandle(workflowId).fetchHistory();
      // Payloads are in base64.
      const payloads = JSON.stringify(events).matchAll(/"data":"([^"]+)"/g);
      histories.push([...payloads].map(([, data = '']) => String(Buffer.from(data, 'base64'))).join('\n'));
    }
    assert.equal(histories.length, 1);
    assert.match(histories[0] ?? '', /requestedBy/);
    for (const person of erased) assert.ok([log, ...histories].every((text) => !text.includes(person)));
  });

  test('with another key, nothing of the source lands', async () => {
    await worker.kill();
    worker = await pipeline.startWorker('one', { [KEY_VARIABLE]: 'another key of the tests, as long' });
    await pipeline.placeFiles({ feed: JSON.stringify(generated(4)) });
    const run = await pipeline.start({ source: SOURCE });
    await eventually('it waits', async () => (await queryStatus(run)).state === 'waiting');
    assert.equal((await queryStatus(run)).waiting?.code, 'ERASURE_KEY_CHANGED');
    await run.executeUpdate('abort');
    await assert.rejects(run.result());
  });
});
