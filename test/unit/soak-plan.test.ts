import assert from 'node:assert/strict';
import test from 'node:test';
import { describeAct, plannedFaults, plannedSends, plannedStarts, type SecondsRange } from '../soak/plan.ts';
import { RecordStream, recordsOfWindow, windowOf } from '../soak/records.ts';

const PACE: SecondsRange = [5, 20];
const MANY = 500;

function first<Item>(count: number, items: Iterable<Item>): Item[] {
  const taken: Item[] = [];
  for (const item of items) if (taken.push(item) === count) break;
  return taken;
}

function planOf(seed: number): unknown {
  return [
    first(MANY, plannedFaults(seed, PACE)),
    first(MANY, plannedStarts(seed, PACE)),
    first(MANY, plannedSends(seed)),
    new RecordStream(seed, { lines: false }).take(MANY),
  ];
}

test('a seed of the soak gives the same plan each time, and another seed a different one', () => {
  assert.deepEqual(planOf(1), planOf(1));
  assert.notDeepEqual(planOf(1), planOf(2));
});

test('a plan of the soak breaks each server and worker, and has every kind of fault', () => {
  const names = new Set(first(MANY, plannedFaults(1, PACE)).map(({ act }) => describeAct(act)));
  for (const victim of ['worker', 'temporal', 'kafka', 'namenode', 'datanode'])
    for (const act of ['kill', 'freeze']) assert(names.has(`${act} ${victim}`), `${act} ${victim}`);
  for (const kind of [
    'HDFS: swallow-answer',
    'Kafka: swallow-answer',
    'customer: changed',
    'NameNode in safe mode',
  ])
    assert(names.has(kind), kind);
});

test('faults of the soak have the requested distance', () => {
  const [from, to] = PACE;
  for (const { afterSeconds } of first(MANY, plannedFaults(3, PACE))) {
    assert(afterSeconds >= from && afterSeconds <= to, String(afterSeconds));
  }
});

test('about one record in a hundred of the soak is malformed', () => {
  const records = new RecordStream(1, { lines: true }).take(10_000);
  const malformed = records.filter((record) => record.malformed).length;
  assert(malformed > 60 && malformed < 140, String(malformed));
});

test('windows of a feed do not overlap', () => {
  const texts = [1, 2, 3].flatMap((number) => [
    ...new Set(recordsOfWindow(1, windowOf(number)).map(({ bytes }) => bytes.toString())),
  ]);
  assert(texts.length > 10);
  assert.equal(new Set(texts).size, texts.length);
});
