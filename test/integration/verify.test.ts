import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { kafkaClient, topicOffsets, withAdmin } from '../../adapters/kafka/client.ts';
import { startPlatform, type Platform } from '../../simulator/server.ts';
import type { WarehouseReport } from '../../client/verify/verify-warehouse.ts';
import { BATCH_TABLES } from '../../tables/index.ts';
import { DamagedCopy } from '../support/damage.ts';
import { TestPipeline } from '../support/harness.ts';

const COUNT = 400;

describe('verify', () => {
  let platform: Platform;
  let pipeline: TestPipeline;
  let topic: string;
  let copies = 0;

  before(async () => {
    platform = await startPlatform({ port: 0, seed: 7, count: COUNT });
    pipeline = await TestPipeline.create(
      { source: { url: `${platform.url}/attempts` } },
      { kafka: { brokers: [process.env['PIPELINE_TEST_KAFKA'] ?? '127.0.0.1:9092'], partitions: 2 } },
    );
    topic = `${pipeline.name}-source`;
    const worker = await pipeline.startWorker();
    await (await pipeline.start({ source: 'source' })).result();
    await worker.kill();
  });

  after(async () => {
    await pipeline.close();
    await platform.close();
  });

  async function damaged(): Promise<DamagedCopy> {
    copies += 1;
    return DamagedCopy.of(pipeline, `copy-${copies}`);
  }

  test('says that all is right: each message once, each file read back', async () => {
    const { code, stdout } = await pipeline.command('verify');
    assert.equal(code, 0, stdout);
    assert.match(stdout, new RegExp(`^verified: .* = ${COUNT} deliveries \\+ 0 quarantined \\+ 2 gaps`, 'm'));
    const answer = JSON.parse((await pipeline.command('verify', '--json')).stdout) as WarehouseReport;
    assert.equal(answer.verified, true);
    assert.deepEqual(answer.findings, []);
    for (const one of answer.partitions) {
      assert.equal(one.deliveries + one.quarantined + one.gaps + one.skipped + one.gone, one.consumed);
    }
  });

  test('names a data file that is gone, and the messages that stand nowhere now', async () => {
    const copy = await damaged();
    const { path } = await copy.firstFile('deliveries');
    await copy.hdfs.delete(path);
    const answer = await copy.verify();
    requireFinding(answer, 'FILE_UNREADABLE', path, /not found|does not exist/);
    const { code, stdout } = await copy.command('verify');
    assert.equal(code, 1);
    assert.match(stdout, new RegExp(`^FILE_UNREADABLE: ${path}: `, 'm'));
    assert.match(stdout, /^not verified: 3 findings$/m);
    requireFinding(
      answer,
      'MESSAGE_NOT_LANDED',
      `${topic}/0`,
      /messages of Kafka have no row, at the offsets: 0 to \d+/,
    );
  });

  test('names a file with other bytes of the same length', async () => {
    const copy = await damaged();
    const { path, add } = await copy.firstFile('options');
    const bytes = await copy.hdfs.read(path);
    bytes[1000] = (bytes[1000] ?? 0) ^ 1;
    await copy.replace(path, bytes);
    requireFinding(
      await copy.verify(),
      'FILE_CHECKSUM',
      path,
      new RegExp(`the log says ${add.tags?.['sha256'] ?? ''}`),
    );
  });

  test('names a file that was cut', async () => {
    const copy = await damaged();
    const { path, add } = await copy.firstFile('runs');
    await copy.replace(path, (await copy.hdfs.read(path)).subarray(0, -1));
    const answer = await copy.verify();
    requireFinding(
      answer,
      'FILE_LENGTH',
      path,
      new RegExp(`it has ${add.size - 1} bytes, the log says ${add.size}`),
    );
    assert.deepEqual(codesOf(answer), ['FILE_LENGTH'], 'children do not depend on the table runs');
  });

  test('names a file with fewer rows than its log entry says', async () => {
    const copy = await damaged();
    const { path } = await copy.firstFile('attempts');
    await copy.rewriteLog('attempts', ({ add, ...rest }) =>
      add ? { ...rest, add: { ...add, stats: JSON.stringify({ numRecords: COUNT + 1 }) } } : rest,
    );
    requireFinding(
      await copy.verify(),
      'FILE_ROWS',
      path,
      new RegExp(`it has ${COUNT} rows, the log says ${COUNT + 1}`),
    );
  });

  test('names a table whose log stands elsewhere than the others', async () => {
    const copy = await damaged();
    await copy.rewriteLog('questions', ({ txn, ...rest }) =>
      txn ? { ...rest, txn: { ...txn, version: txn.version - 1 } } : rest,
    );
    const answer = await copy.verify();
    assert.deepEqual(codesOf(answer), ['TABLES_DISAGREE', 'TABLES_DISAGREE']);
    requireFinding(
      answer,
      'TABLES_DISAGREE',
      `${topic}/1`,
      /questions holds offsets up to \d+, but deliveries up to \d+/,
    );
  });

  test('names messages that stand twice', async () => {
    const copy = await damaged();
    await copy.append('deliveries', [
      { add: await copy.fileOf('deliveries', 'FROM rows ORDER BY ALL LIMIT 3') },
    ]);
    const answer = await copy.verify();
    requireFinding(
      answer,
      'MESSAGE_TWICE',
      `${topic}/0`,
      /3 messages have more than one row, at the offsets: 0 to 2/,
    );
  });

  test('names a row of a message that Kafka does not have, as that of a transaction marker', async () => {
    const copy = await damaged();
    const [offsets] = await topicOffsets(pipeline.kafka, topic);
    const marker = Number(offsets?.end) - 1;
    const sql = `SELECT * REPLACE (${marker}::BIGINT AS kafka_offset) FROM rows WHERE kafka_partition = 0 LIMIT 1`;
    await copy.append('quarantine', [{ add: await copy.fileOf('deliveries', sql, 'quarantine') }]);
    const answer = await copy.verify();
    assert.deepEqual(codesOf(answer), ['ROW_WITHOUT_MESSAGE']);
    requireFinding(answer, 'ROW_WITHOUT_MESSAGE', `${topic}/0`, new RegExp(`at the offsets: ${marker}$`));
  });

  test('names a row that stands past what the log counts as landed', async () => {
    const copy = await damaged();
    const sql =
      'SELECT * REPLACE (1000000::BIGINT AS kafka_offset) FROM rows WHERE kafka_partition = 1 LIMIT 1';
    await copy.append('quarantine', [{ add: await copy.fileOf('deliveries', sql, 'quarantine') }]);
    const answer = await copy.verify();
    assert.deepEqual(codesOf(answer), ['ROW_PAST_LOG']);
    requireFinding(answer, 'ROW_PAST_LOG', `${topic}/1`, /at the offsets: 1000000$/);
  });

  test('names an attempt without its delivery, and the message that has no row then', async () => {
    const copy = await damaged();
    await copy.rewriteRows('deliveries', 'FROM rows WHERE NOT (kafka_partition = 0 AND kafka_offset = 17)');
    const answer = await copy.verify();
    assert.deepEqual(codesOf(answer), ['MESSAGE_NOT_LANDED', 'ATTEMPT_WITHOUT_DELIVERY']);
    requireFinding(
      answer,
      'MESSAGE_NOT_LANDED',
      `${topic}/0`,
      /1 messages of Kafka have no row, at the offsets: 17$/,
    );
    requireFinding(answer, 'ATTEMPT_WITHOUT_DELIVERY', 'attempts', new RegExp(`${topic}/0 at 17$`));
  });

  test('names a delivery without its attempt, and the questions of nobody', async () => {
    const copy = await damaged();
    await copy.rewriteRows('attempts', 'FROM rows WHERE NOT (kafka_partition = 0 AND kafka_offset = 17)');
    const answer = await copy.verify();
    assert.deepEqual(codesOf(answer), ['DELIVERY_WITHOUT_ATTEMPT', 'QUESTION_WITHOUT_ATTEMPT']);
    requireFinding(answer, 'QUESTION_WITHOUT_ATTEMPT', 'questions', new RegExp(`${topic}/0 at 17`));
  });

  test('names an attempt that stands twice', async () => {
    const copy = await damaged();
    await copy.append('attempts', [{ add: await copy.fileOf('attempts', 'FROM rows LIMIT 1') }]);
    const answer = await copy.verify();
    assert.deepEqual(codesOf(answer), ['ATTEMPT_TWICE']);
  });

  test('names questions that are not those of the payload', async () => {
    const copy = await damaged();
    const where = 'WHERE NOT (kafka_partition = 0 AND kafka_offset = 17 AND question_position = 0)';
    await copy.rewriteRows('questions', `FROM rows ${where}`);
    await copy.rewriteRows('options', `FROM rows ${where}`);
    const answer = await copy.verify();
    assert.deepEqual(codesOf(answer), ['QUESTION_COUNT', 'OPTION_COUNT']);
    requireFinding(answer, 'QUESTION_COUNT', 'questions', new RegExp(`^1 deliveries .*${topic}/0 at 17$`));
  });

  test('names a question whose option is missing, and an option of nobody', async () => {
    const copy = await damaged();
    const at = 'kafka_partition = 0 AND kafka_offset = 17 AND question_position = 0 AND option_position = 0';
    await copy.rewriteRows(
      'options',
      `SELECT * REPLACE (if(${at}, 99, question_position) AS question_position) FROM rows`,
    );
    const answer = await copy.verify();
    assert.deepEqual(codesOf(answer), ['OPTION_WITHOUT_QUESTION', 'OPTION_COUNT']);
  });

  test('says what a person let a run skip, and does not miss it', async () => {
    const copy = await damaged();
    await copy.rewriteRows('deliveries', 'FROM rows WHERE NOT (kafka_partition = 0 AND kafka_offset = 17)');
    await copy.rewriteRows('attempts', 'FROM rows WHERE NOT (kafka_partition = 0 AND kafka_offset = 17)');
    await copy.rewriteRows('questions', 'FROM rows WHERE NOT (kafka_partition = 0 AND kafka_offset = 17)');
    await copy.rewriteRows('options', 'FROM rows WHERE NOT (kafka_partition = 0 AND kafka_offset = 17)');
    const batch = { topic, ranges: [{ partition: 0, start: '17', end: '18' }] };
    await copy.append('deliveries', [], { batch, skipped: true });
    const answer = await copy.verify();
    assert.deepEqual(answer.findings, []);
    assert.equal(answer.verified, true);
    assert.equal(answer.partitions[0]?.skipped, 1);
  });

  test('reads what another program compacted, and notes that it knows no checksum of it', async () => {
    const copy = await damaged();
    for (const name of ['deliveries', 'attempts']) {
      const { add } = await copy.firstFile(name);
      const compacted = await copy.fileOf(name, 'FROM rows ORDER BY published_at', name, 'lz4_raw');
      await copy.append(name, [{ remove: { path: add.path } }, { add: compacted }]);
    }
    const answer = await copy.verify();
    assert.deepEqual(answer.findings, []);
    assert.match(
      JSON.stringify(answer.notes),
      /"deliveries","message":"another program wrote 1 of its files/,
    );
  });

  test('notes files that no log entry names, which nobody reads', async () => {
    const copy = await damaged();
    await copy.fileOf('attempts', 'FROM rows LIMIT 1');
    const answer = await copy.verify();
    assert.equal(answer.verified, true);
    assert.match(
      JSON.stringify(answer.notes),
      /attempts\/source=source\/.*no entry of the log names this file of \d+ bytes/,
    );
  });

  test('names a message that the tables skipped', async () => {
    const copy = await damaged();
    const producer = kafkaClient(pipeline.kafka, 'test').producer();
    await producer.connect();
    await producer.send({ topic, messages: [{ partition: 1, value: '{}' }] });
    await producer.disconnect();
    const offset = Number((await topicOffsets(pipeline.kafka, topic))[1]?.end) - 1;
    const txn = { appId: `${topic}/1`, version: offset + 1 };
    for (const { name } of BATCH_TABLES) await copy.append(name, [{ txn }]);
    const answer = await copy.verify();
    assert.deepEqual(codesOf(answer), ['MESSAGE_NOT_LANDED']);
    requireFinding(
      answer,
      'MESSAGE_NOT_LANDED',
      `${topic}/1`,
      new RegExp(`1 messages .* at the offsets: ${offset}$`),
    );
  });

  test('says which part Kafka no longer has, and checks the rest', async () => {
    await withAdmin(pipeline.kafka, async (admin) => {
      // Else the client does not know the topic.
      await admin.fetchTopicOffsets(topic);
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '50' }] });
    });
    const copy = await damaged();
    const whole = await copy.verify();
    assert.equal(whole.verified, true, JSON.stringify(whole.findings));
    assert.match(JSON.stringify(whole.notes), /Kafka no longer has the offsets 0 to 49; their 50 rows/);
    await copy.rewriteRows('deliveries', 'FROM rows WHERE NOT (kafka_partition = 0 AND kafka_offset = 60)');
    requireFinding(await copy.verify(), 'MESSAGE_NOT_LANDED', `${topic}/0`, /at the offsets: 60$/);
  });

  test('names messages that Kafka deleted before they landed', async () => {
    const copy = await damaged();
    for (const { name } of BATCH_TABLES) {
      await copy.rewriteLog(name, ({ txn, ...rest }) =>
        txn ? { ...rest, txn: { ...txn, version: txn.appId === `${topic}/0` ? 40 : txn.version } } : rest,
      );
    }
    requireFinding(await copy.verify(), 'MESSAGE_LOST', `${topic}/0`, /before they landed: 40 to 49$/);
  });

  test('names a topic that is gone, and one that was recreated', async () => {
    await withAdmin(pipeline.kafka, (admin) => admin.deleteTopics({ topics: [topic] }));
    const copy = await damaged();
    requireFinding(await copy.verify(), 'TOPIC_GONE', topic, /no longer exists in Kafka/);
    await withAdmin(pipeline.kafka, (admin) =>
      admin.createTopics({ topics: [{ topic, numPartitions: 2, replicationFactor: 1 }] }),
    );
    requireFinding(await copy.verify(), 'TOPIC_RESET', `${topic}/1`, /the topic ends at 0$/);
  });
});

function codesOf({ findings }: WarehouseReport): string[] {
  return findings.map(({ code }) => code);
}

function requireFinding(answer: WarehouseReport, code: string, where: string, message: RegExp): void {
  assert.equal(answer.verified, false);
  const found = answer.findings.find((finding) => finding.code === code && finding.where === where);
  assert.ok(found, `${code} of ${where} is not among ${JSON.stringify(answer.findings, null, 1)}`);
  assert.match(found.message, message);
}
