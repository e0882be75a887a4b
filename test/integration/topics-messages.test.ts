import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test, { after, before, describe } from 'node:test';
import type { WrittenHeader } from '../../adapters/kafka/message-headers.ts';
import type { IngestResult } from '../../model/run.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { FilledTopics } from './producers/filled-topics.ts';
import type { TestMessage } from './producers/message.ts';

/** In keys, headers and payloads; must not be in logs or histories. */
const MARKER = 'do-not-tell-4711';

const [SAMPLE] = generateAttempts({ seed: 9, count: 1 });

/** A good attempt, with the marker in it. */
const GOOD = Buffer.from(JSON.stringify({ ...SAMPLE, exam_name: MARKER }));

const NOT_UTF8 = Buffer.from([0x00, 0xff, 0xfe, 0x80]);

type Header = readonly [name: string, value: Buffer | null];

function header(name: string, value = MARKER): Header {
  return [name, Buffer.from(value)];
}

const MANY_HEADERS = Array.from({ length: 100 }, (_, at) => header(`h${at}`, MARKER.padEnd(1024, '.')));

/** Names that every JavaScript object has already, as a hostile or unlucky producer uses them. */
const PROTOTYPE_HEADERS = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'].map((name) =>
  header(name),
);

const REPEATED_HEADERS = [header('a', 'first'), header('b'), header('a', 'second'), ['a', NOT_UTF8]] as const;

/** Messages that land, with the headers that they land with where these say something. */
const LAND: Record<string, TestMessage> = {
  plain: { key: Buffer.from(MARKER), value: GOOD },
  binaryKey: { key: NOT_UTF8, value: GOOD },
  emptyKey: { key: Buffer.alloc(0), value: GOOD },
  noKey: { value: GOOD },
  manyHeaders: { value: GOOD, headers: MANY_HEADERS },
  repeatedHeaders: { value: GOOD, headers: REPEATED_HEADERS },
  prototypeHeaders: { value: GOOD, headers: PROTOTYPE_HEADERS },
  nullHeader: { value: GOOD, headers: [['nothing', null]] },
  otherSource: { value: GOOD, headers: [header('source', 'neighbour')] },
  binarySource: { value: GOOD, headers: [['source', NOT_UTF8]] },
  nullSource: { value: GOOD, headers: [['source', null]] },
};

/** Messages that are quarantined, with the reason. */
const REFUSED: Record<string, TestMessage & { readonly path?: string; readonly reason: string }> = {
  tombstone: { key: Buffer.from(MARKER), value: null, reason: 'the message has no value' },
  empty: { value: Buffer.alloc(0), reason: 'the message’s value is empty' },
  notUtf8: { key: NOT_UTF8, value: NOT_UTF8, reason: 'is not UTF-8' },
  notJson: { value: Buffer.from(`{"${MARKER}"`), reason: 'is not JSON' },
  wrongType: {
    value: Buffer.from(JSON.stringify({ ...SAMPLE, started_at: MARKER })),
    path: 'started_at',
    reason: 'must be a time as 2018-01-31T12:00:00.000Z, to the microsecond, is another text',
  },
  unknownSource: {
    value: GOOD,
    headers: [header('source')],
    reason: 'its header source names no source of pipeline.yaml',
  },
};

type Row = Readonly<Record<string, unknown>>;

let topics: FilledTopics;

before(async () => {
  const shared = { topic: `shared-${process.pid}-${Date.now().toString(36)}` };
  const sources = { others: shared, neighbour: shared, created: {}, appended: {} };
  topics = await FilledTopics.open(sources, { LOG_LEVEL: 'debug' });
});

after(() => topics.close());

function hex(bytes: Buffer | null | undefined): string | null {
  return bytes?.toString('hex').toUpperCase() ?? null;
}

describe('messages of every kind:', () => {
  let result: IngestResult;
  let delivered: Row[];
  let quarantined: Row[];

  before(async () => {
    const topic = await topics.makeTopic('others');
    await topics.publish.java({ topic, codec: 'lz4', guarantee: 'transactional' }, [
      ...Object.values(LAND),
      ...Object.values(REFUSED),
    ]);
    result = await topics.run('others');
    delivered = await topics.query(
      'SELECT source, hex(key) AS key, headers, payload FROM deliveries ORDER BY kafka_offset',
    );
    quarantined = await topics.query(
      'SELECT source, step, path, reason, hex(key) AS key, hex(payload) AS payload FROM quarantine ORDER BY kafka_offset',
    );
  });

  const landedAs = (name: string): Row => delivered[Object.keys(LAND).indexOf(name)] ?? {};
  const headersOf = (name: string): WrittenHeader[] =>
    JSON.parse(String(landedAs(name)['headers'])) as WrittenHeader[];

  test('valid ones land, with their keys and unchanged payloads', () => {
    assert.deepEqual(
      delivered.map(({ key, payload }) => [key, payload]),
      Object.values(LAND).map(({ key }) => [hex(key), GOOD.toString('utf8')]),
    );
  });

  test('headers land completely: many, repeated, binary, null, and of any name', () => {
    const written = (headers: readonly Header[]) =>
      headers.map(([key, value]) => ({ key, value: value?.toString('utf8') ?? null }));
    assert.deepEqual(headersOf('manyHeaders'), written(MANY_HEADERS));
    assert.deepEqual(headersOf('prototypeHeaders'), written(PROTOTYPE_HEADERS));
    assert.deepEqual(headersOf('nullHeader'), [{ key: 'nothing', value: null }]);
    assert.deepEqual(headersOf('repeatedHeaders'), [
      { key: 'a', value: 'first' },
      { key: 'b', value: MARKER },
      { key: 'a', value: 'second' },
      { key: 'a', base64: NOT_UTF8.toString('base64') },
    ]);
  });

  test('each belongs to the source that its header names, else to the first of the topic without a url', () => {
    const sources = Object.keys(LAND).map((name) => [name, landedAs(name)['source']]);
    assert.deepEqual(
      sources,
      Object.keys(LAND).map((name) => [name, name === 'otherSource' ? 'neighbour' : 'others']),
    );
  });

  test('invalid ones are quarantined completely, with step, path and reason', () => {
    assert.deepEqual(
      quarantined,
      Object.values(REFUSED).map(({ key, value, path = '', reason }) => ({
        source: 'others',
        step: 'transform',
        path,
        reason,
        key: hex(key),
        payload: hex(value),
      })),
    );
  });

  test('each is either landed or quarantined', () => {
    const { consume, transform } = result.steps;
    const [landed, refused] = [Object.keys(LAND).length, Object.keys(REFUSED).length];
    assert.equal(consume.recordsOut, landed + refused);
    assert.deepEqual(
      [transform.recordsIn, transform.recordsOut, transform.quarantined],
      [landed + refused, landed, refused],
    );
    assert.deepEqual([result.rows['deliveries'], result.rows['quarantine']], [landed, refused]);
  });
});

describe('the time of publication', () => {
  const timesOf = async (source: string): Promise<unknown[]> => {
    const rows = await topics.query<Row>(
      `SELECT epoch_ms(published_at) AS ms FROM deliveries WHERE kafka_topic = '${topics.topicOf(source)}' ORDER BY kafka_offset`,
    );
    return rows.map(({ ms }) => (ms === null ? null : Number(ms)));
  };

  test('is the producer’s timestamp if it is in the tables’ range; else it is null', async () => {
    const topic = await topics.makeTopic('created', 1, {
      'message.timestamp.after.max.ms': '9223372036854775807',
    });
    const times = [0, 1_700_000_000_123, -86_400_000];
    for (const timestampMs of [...times, -1, 2n ** 63n - 1n]) {
      await topics.publish.kafkajs({ topic, codec: 'gzip', guarantee: 'plain' }, [
        { value: GOOD, timestampMs },
      ]);
    }
    const { steps } = await topics.run('created');
    assert.deepEqual([steps.transform.recordsOut, steps.transform.quarantined], [4, 1]);
    assert.deepEqual(await timesOf('created'), [...times, null]);
    assert.deepEqual(
      await topics.query(`SELECT published_at, path, reason FROM quarantine WHERE kafka_topic = '${topic}'`),
      [{ published_at: null, path: '', reason: 'its timestamp is not of the years 1 to 9999' }],
    );
  });

  test('is the broker’s time if the topic is configured with LogAppendTime', async () => {
    const topic = await topics.makeTopic('appended', 1, { 'message.timestamp.type': 'LogAppendTime' });
    const began = Date.now();
    const old = [1, 2, 3].map((timestampMs) => ({ value: GOOD, timestampMs }));
    await topics.publish.java({ topic, codec: 'snappy', guarantee: 'plain' }, old);
    await topics.run('appended');
    const found = await timesOf('appended');
    assert.equal(found.length, 3);
    for (const ms of found) assert(Number(ms) >= began && Number(ms) <= Date.now(), String(ms));
  });
});

test('no key, header or payload is in the worker’s log or in a run’s history', async () => {
  assert.equal(topics.runs.length, 3);
  for (const workflowId of topics.runs) {
    const history = await topics.pipeline.client.workflow.getHandle(workflowId).fetchHistory();
    const text = textsIn(history).join('\n');
    // The search sees into the history: the outcome is there.
    assert.match(text, /"outcome":"landed"/);
    assert(!text.includes(MARKER), `${workflowId} has the marker in its history`);
  }
  const log = await readFile(topics.worker.log, 'utf8');
  assert.match(log, /"level":"debug"|"level":20/);
  assert(!log.includes(MARKER), 'the log has the marker');
});

/** Returns all text of a history, that of its bytes included. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (value instanceof Uint8Array) return [Buffer.from(value).toString('utf8')];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(textsIn);
}
