import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { topicOffsets } from '../../adapters/kafka/client.ts';
import type { WarehouseReport } from '../../client/verify/verify-warehouse.ts';
import { skippedAppId } from '../../steps/landing/transaction-ids.ts';
import { codesOf, VERIFIED_ATTEMPTS, requireFinding, VerifiedRun } from '../support/verified.ts';

describe('verify', () => {
  let verified: VerifiedRun;

  before(async () => {
    verified = await VerifiedRun.land();
  });

  after(() => verified.close());

  test('reports no finding for complete tables: each message once, each file read back', async () => {
    const { code, stdout } = await verified.pipeline.command('verify');
    assert.equal(code, 0, stdout);
    assert.match(
      stdout,
      new RegExp(`^verified: .* = ${VERIFIED_ATTEMPTS} deliveries \\+ 0 quarantined \\+ 2 gaps`, 'm'),
    );
    const answer = JSON.parse(
      (await verified.pipeline.command('verify', '--json')).stdout,
    ) as WarehouseReport;
    assert.equal(answer.verified, true);
    assert.deepEqual(answer.findings, []);
    for (const one of answer.partitions) {
      assert.equal(
        one.deliveries + one.quarantined + one.gaps + one.skipped + one.erased + one.gone,
        one.consumed,
      );
    }
  });

  test('names a missing data file, and the messages whose rows it had', async () => {
    const copy = await verified.copy();
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
      `${verified.topic}/0`,
      /messages of Kafka have no row, at the offsets: 0 to \d+/,
    );
  });

  test('names a file with other bytes of the same length', async () => {
    const copy = await verified.copy();
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

  test('names a truncated file', async () => {
    const copy = await verified.copy();
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
    const copy = await verified.copy();
    const { path } = await copy.firstFile('attempts');
    await copy.rewriteLog('attempts', ({ add, ...rest }) =>
      add ? { ...rest, add: { ...add, stats: JSON.stringify({ numRecords: VERIFIED_ATTEMPTS + 1 }) } } : rest,
    );
    requireFinding(
      await copy.verify(),
      'FILE_ROWS',
      path,
      new RegExp(`it has ${VERIFIED_ATTEMPTS} rows, the log says ${VERIFIED_ATTEMPTS + 1}`),
    );
  });

  test('names a table whose log has another position than the others', async () => {
    const copy = await verified.copy();
    await copy.rewriteLog('questions', ({ txn, ...rest }) =>
      txn ? { ...rest, txn: { ...txn, version: txn.version - 1 } } : rest,
    );
    const answer = await copy.verify();
    assert.deepEqual(codesOf(answer), ['TABLES_DISAGREE', 'TABLES_DISAGREE']);
    requireFinding(
      answer,
      'TABLES_DISAGREE',
      `${verified.topic}/1`,
      /questions holds offsets up to \d+, but deliveries up to \d+/,
    );
  });

  test('names messages that have two rows', async () => {
    const copy = await verified.copy();
    await copy.append('deliveries', [
      { add: await copy.fileOf('deliveries', 'FROM rows ORDER BY ALL LIMIT 3') },
    ]);
    const answer = await copy.verify();
    requireFinding(
      answer,
      'MESSAGE_TWICE',
      `${verified.topic}/0`,
      /3 messages have more than one row, at the offsets: 0 to 2/,
    );
  });

  test('names a row at an offset without a message, such as that of a control record', async () => {
    const copy = await verified.copy();
    const [offsets] = await topicOffsets(verified.pipeline.kafka, verified.topic);
    const marker = Number(offsets?.end) - 1;
    const sql = `SELECT * REPLACE (${marker}::BIGINT AS kafka_offset) FROM rows WHERE kafka_partition = 0 LIMIT 1`;
    await copy.append('quarantine', [{ add: await copy.fileOf('deliveries', sql, 'quarantine') }]);
    const answer = await copy.verify();
    assert.deepEqual(codesOf(answer), ['ROW_WITHOUT_MESSAGE']);
    requireFinding(
      answer,
      'ROW_WITHOUT_MESSAGE',
      `${verified.topic}/0`,
      new RegExp(`at the offsets: ${marker}$`),
    );
  });

  test('names a row past its table’s position in the log', async () => {
    const copy = await verified.copy();
    const sql =
      'SELECT * REPLACE (1000000::BIGINT AS kafka_offset) FROM rows WHERE kafka_partition = 1 LIMIT 1';
    await copy.append('quarantine', [{ add: await copy.fileOf('deliveries', sql, 'quarantine') }]);
    const answer = await copy.verify();
    assert.deepEqual(codesOf(answer), ['ROW_PAST_LOG']);
    requireFinding(answer, 'ROW_PAST_LOG', `${verified.topic}/1`, /at the offsets: 1000000$/);
  });

  test('names an attempt without its delivery, and the message without a row', async () => {
    const copy = await verified.copy();
    await copy.rewriteRows('deliveries', 'FROM rows WHERE NOT (kafka_partition = 0 AND kafka_offset = 17)');
    const answer = await copy.verify();
    assert.deepEqual(codesOf(answer), ['MESSAGE_NOT_LANDED', 'RECORD_WITHOUT_DELIVERY']);
    requireFinding(
      answer,
      'MESSAGE_NOT_LANDED',
      `${verified.topic}/0`,
      /1 messages of Kafka have no row, at the offsets: 17$/,
    );
    requireFinding(answer, 'RECORD_WITHOUT_DELIVERY', 'attempts', new RegExp(`${verified.topic}/0 at 17$`));
  });

  test('names a delivery without its attempt, and questions without an attempt', async () => {
    const copy = await verified.copy();
    await copy.rewriteRows('attempts', 'FROM rows WHERE NOT (kafka_partition = 0 AND kafka_offset = 17)');
    const answer = await copy.verify();
    assert.deepEqual(codesOf(answer), ['DELIVERY_WITHOUT_RECORD', 'CHILD_WITHOUT_PARENT']);
    requireFinding(answer, 'CHILD_WITHOUT_PARENT', 'questions', new RegExp(`${verified.topic}/0 at 17`));
  });

  test('names an attempt that has two rows', async () => {
    const copy = await verified.copy();
    await copy.append('attempts', [{ add: await copy.fileOf('attempts', 'FROM rows LIMIT 1') }]);
    const answer = await copy.verify();
    assert.deepEqual(codesOf(answer), ['RECORD_TWICE']);
  });

  test('names questions that differ from the payload’s', async () => {
    const copy = await verified.copy();
    const where = 'WHERE NOT (kafka_partition = 0 AND kafka_offset = 17 AND question_position = 0)';
    await copy.rewriteRows('questions', `FROM rows ${where}`);
    await copy.rewriteRows('options', `FROM rows ${where}`);
    const answer = await copy.verify();
    assert.deepEqual(codesOf(answer), ['CHILD_COUNT', 'CHILD_COUNT']);
    requireFinding(
      answer,
      'CHILD_COUNT',
      'questions',
      new RegExp(`^1 deliveries .*${verified.topic}/0 at 17$`),
    );
  });

  test('names a question whose option is missing, and an option without a question', async () => {
    const copy = await verified.copy();
    const at = 'kafka_partition = 0 AND kafka_offset = 17 AND question_position = 0 AND option_position = 0';
    await copy.rewriteRows(
      'options',
      `SELECT * REPLACE (if(${at}, 99, question_position) AS question_position) FROM rows`,
    );
    const answer = await copy.verify();
    assert.deepEqual(codesOf(answer), ['CHILD_WITHOUT_PARENT', 'CHILD_COUNT']);
  });

  for (const where of ['an entry', 'the transactions'])
    test(`expects no rows of skipped offsets, which ${where} of the log names`, async () => {
      const copy = await verified.copy();
      for (const table of ['deliveries', 'attempts', 'questions', 'options'])
        await copy.rewriteRows(table, 'FROM rows WHERE NOT (kafka_partition = 0 AND kafka_offset = 17)');
      const range = { partition: 0, start: '17', end: '18' };
      const appId = skippedAppId(verified.topic, range);
      if (where === 'an entry')
        await copy.append('deliveries', [], {
          batch: { topic: verified.topic, ranges: [range] },
          skipped: true,
        });
      else await copy.append('deliveries', [{ txn: { appId, version: 1 } }]);
      const answer = await copy.verify();
      assert.deepEqual(answer.findings, []);
      assert.equal(answer.verified, true);
      assert.equal(answer.partitions[0]?.skipped, 1);
    });

  test('reads a file that another program compacted, and notes that its checksum is unknown', async () => {
    const copy = await verified.copy();
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

  test('notes files that no log entry names', async () => {
    const copy = await verified.copy();
    await copy.fileOf('attempts', 'FROM rows LIMIT 1');
    const answer = await copy.verify();
    assert.equal(answer.verified, true);
    assert.match(
      JSON.stringify(answer.notes),
      /attempts\/source=source\/.*no entry of the log names this file of \d+ bytes/,
    );
  });
});
