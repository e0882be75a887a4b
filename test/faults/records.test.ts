/** Faults 17 to 21: the messages of a topic that other producers fill. */
import assert from 'node:assert/strict';
import test, { afterEach, beforeEach } from 'node:test';
import type { FeedAttempt } from '../../simulator/attempt.ts';
import { BATCH_TABLES } from '../../tables/index.ts';
import { requireExactly } from './content.ts';
import { OtherTopic, someAttempts, type SentValue } from './other-topic.ts';

const BATCH_MESSAGES = 200;

const A_TIME = 'must be a time as 2018-01-31T12:00:00.000Z, to the microsecond';
const AN_INTEGER = 'must be a whole number of 32 bits';

let other: OtherTopic;

beforeEach(async () => {
  other = await OtherTopic.create({ limits: { batchMessages: BATCH_MESSAGES } });
  await other.pipeline.startWorker();
});

afterEach(() => other.pipeline.close());

interface Bad {
  readonly sent: SentValue;
  readonly path: string;
  readonly reason: string;
}

/** Puts something bad at each hundredth place; the good ones are left out there, not moved. */
function withBad(
  good: readonly FeedAttempt[],
  bads: readonly Bad[],
): { sent: SentValue[]; good: FeedAttempt[] } {
  const sent: SentValue[] = [...good];
  for (const [at, bad] of bads.entries()) sent[at * 100 + 7] = bad.sent;
  return { sent, good: good.filter((one) => sent.includes(one)) };
}

async function requireQuarantined(bads: readonly Bad[]): Promise<void> {
  const found = await other.query(
    'SELECT kafka_offset::INTEGER AS "offset", step, path, reason FROM quarantine ORDER BY kafka_offset',
  );
  assert.deepEqual(
    found,
    bads.map(({ path, reason }, at) => ({ offset: at * 100 + 7, step: 'transform', path, reason })),
  );
}

test('17 gaps of transaction markers and aborted transactions are accepted and counted', async () => {
  const [first, second, aborted] = [someAttempts(1, 30), someAttempts(2, 20), someAttempts(3, 25)];
  await other.publishInTransactions([
    { sent: first, end: 'commit' },
    { sent: aborted, end: 'abort' },
    { sent: second, end: 'commit' },
    { sent: aborted, end: 'abort' },
  ]);
  const result = await other.run();
  assert.deepEqual([result.outcome, result.rows['deliveries'], result.gaps], ['landed', 50, 4 + 2 * 25]);
  await requireExactly(other.pipeline, [...first, ...second]);
  await other.publishInTransactions([{ sent: aborted, end: 'abort' }]);
  const nothing = await other.run();
  assert.deepEqual([nothing.outcome, nothing.gaps], ['nothing-new', 26]);
  await requireExactly(other.pipeline, [...first, ...second]);
});

test('18 ten of a thousand messages, each malformed differently, are quarantined, and the others land', async () => {
  const [one] = someAttempts(9, 1);
  assert(one !== undefined);
  const { exam_name: left, ...nameless } = one;
  assert.notEqual(left, '');
  const bads: Bad[] = [
    { sent: '', path: '', reason: 'the message’s value is empty' },
    { sent: JSON.stringify(one).slice(0, -1), path: '', reason: 'is not JSON' },
    { sent: '\u0000\u0001', path: '', reason: 'is not JSON' },
    { sent: '[]', path: '', reason: 'must be an object, is an array' },
    { sent: 'null', path: '', reason: 'must be an object, is null' },
    { sent: '{}', path: 'keen_id', reason: 'is missing' },
    { sent: nameless, path: 'exam_name', reason: 'is missing' },
    { sent: { ...one, started_at: 'yesterday' }, path: 'started_at', reason: `${A_TIME}, is another text` },
    {
      sent: { ...one, max_attempts: 1.7 },
      path: 'max_attempts',
      reason: `${AN_INTEGER}, is a fraction`,
    },
    {
      sent: { ...one, sequences: { ...one.sequences, questions: {} } },
      path: 'sequences.questions',
      reason: 'must be an array, is an object',
    },
  ];
  const { sent, good } = withBad(someAttempts(4, 1000), bads);
  await other.publish(sent);
  const result = await other.run();
  assert.deepEqual([result.rows['deliveries'], result.rows['quarantine']], [990, 10]);
  await requireQuarantined(bads);
  await requireExactly(other.pipeline, good);
});

test('19 two alternating schema versions, with more and with fewer fields, land in as many files as one version', async () => {
  const versions = someAttempts(5, 600).map((attempt, at) =>
    at % 2 === 0 ? newer(attempt) : older(attempt),
  );
  await other.publish(versions);
  const result = await other.run();
  assert.deepEqual([result.rows['attempts'], result.rows['quarantine']], [600, 0]);
  assert.deepEqual(result.unknownFields, { proctor: 300, 'sequences.device': 300 });
  const files = await Promise.all(
    BATCH_TABLES.map(
      async ({ name }) => (await other.pipeline.warehouse.table(name).snapshot())?.files.size ?? 0,
    ),
  );
  for (const count of files)
    assert(count <= result.batches, `${files.join()} files of ${result.batches} batches`);
  await requireExactly(other.pipeline, versions);
});

/** A later version, with fields that no table knows. */
function newer(attempt: FeedAttempt): FeedAttempt {
  const sequences = { ...attempt.sequences, device: { kind: 'tablet' } };
  return { ...attempt, sequences, ...{ proctor: 'nobody' } };
}

/** An earlier version, without what may be missing. */
function older({ sequences, ...attempt }: FeedAttempt): FeedAttempt {
  const { counts, ...rest } = sequences;
  return { ...attempt, certification: null, sequences: counts === undefined ? sequences : rest };
}

test('20 fields that change their type are quarantined by their paths, and never become null', async () => {
  const [one] = someAttempts(9, 1);
  const [question] = one?.sequences.questions ?? [];
  assert(one !== undefined && question !== undefined);
  const inQuestion = (change: object): object => ({
    ...one,
    sequences: { ...one.sequences, questions: [{ ...question, ...change }] },
  });
  const bads: Bad[] = [
    { sent: { ...one, keen_id: 12 }, path: 'keen_id', reason: 'must be a text, is a number' },
    { sent: { ...one, exam_name: { en: 'Git' } }, path: 'exam_name', reason: 'must be a text, is an object' },
    {
      sent: { ...one, max_attempts: 'many' },
      path: 'max_attempts',
      reason: `${AN_INTEGER}, is another text`,
    },
    {
      sent: { ...one, certification: 'maybe' },
      path: 'certification',
      reason: 'must be true or false, is another text',
    },
    {
      sent: { ...one, started_at: 1_516_717_442 },
      path: 'started_at',
      reason: `${A_TIME}, is a number`,
    },
    {
      sent: { ...one, sequences: [one.sequences] },
      path: 'sequences',
      reason: 'must be an object, is an array',
    },
    {
      sent: inQuestion({ user_correct: 2 }),
      path: 'sequences.questions[0].user_correct',
      reason: 'must be true or false, is a number',
    },
    {
      sent: inQuestion({ options: 'none' }),
      path: 'sequences.questions[0].options',
      reason: 'must be an array, is a string',
    },
  ];
  const { sent, good } = withBad(someAttempts(6, 800), bads);
  await other.publish(sent);
  await other.run();
  await requireQuarantined(bads);
  await requireExactly(other.pipeline, good);
});

test('21 runs of an idle topic succeed, land nothing and write nothing', async () => {
  assert.equal((await other.run()).outcome, 'nothing-new');
  assert.deepEqual(await everything(), []);
  const landed = someAttempts(7, 50);
  await other.publish(landed);
  assert.equal((await other.run()).outcome, 'landed');
  const before = await everything();
  for (let runs = 0; runs < 3; runs += 1) {
    const { outcome, batches, rows } = await other.run();
    assert.deepEqual([outcome, batches, rows], ['nothing-new', 0, {}]);
  }
  assert.deepEqual(await everything(), before);
  await requireExactly(other.pipeline, landed);
});

/** Each file of the warehouse, log entries among them, and when it was written. */
async function everything(folder = other.pipeline.settings.hdfs.warehouse): Promise<string[]> {
  const { hdfs } = other.pipeline.warehouse.options;
  if ((await hdfs.status(folder)) === undefined) return [];
  const found: string[] = [];
  for (const { name, type, modifiedAtMs } of await hdfs.list(folder)) {
    const path = `${folder}/${name}`;
    if (type === 'DIRECTORY') found.push(...(await everything(path)));
    else found.push(`${path} ${modifiedAtMs}`);
  }
  return found;
}
