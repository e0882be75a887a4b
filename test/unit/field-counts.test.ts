import assert from 'node:assert/strict';
import test from 'node:test';
import { FieldTally, MAX_NAMED_FIELDS, fieldLines, type FieldCounts } from '../../model/field-counts.ts';
import { checkAttempt } from '../../records/check.ts';

/** Names of Object.prototype's members. */
const OF_EVERY_OBJECT = [...Object.getOwnPropertyNames(Object.prototype)];

/** Serializes counts as a Temporal history does. */
function kept(counts: FieldCounts): FieldCounts {
  return JSON.parse(JSON.stringify(structuredClone(counts))) as FieldCounts;
}

function* names(count: number, prefix = 'name'): Generator<[string, number]> {
  for (let at = 0; at < count; at += 1) yield [`${prefix}-${at}`, 1];
}

function fieldsIn({ unknownFields, otherUnknownFields }: FieldCounts): number {
  return Object.values(unknownFields).reduce((sum, count) => sum + count, 0) + otherUnknownFields.fields;
}

test('names of Object.prototype are counted like any other, also after serialization', () => {
  const batch = new FieldTally();
  for (let times = 0; times < 3; times += 1) batch.addAll(OF_EVERY_OBJECT.map((name) => [name, 1]));
  const run = new FieldTally();
  for (let batches = 0; batches < 2; batches += 1) run.addCounts(kept(batch.top(MAX_NAMED_FIELDS)));
  const { unknownFields, otherUnknownFields } = kept(run.top(MAX_NAMED_FIELDS));
  assert.deepEqual(
    Object.entries(unknownFields).sort(),
    OF_EVERY_OBJECT.map((name) => [name, 6] as const).sort(),
  );
  assert.deepEqual(otherUnknownFields, { paths: 0, fields: 0 });
});

test('the most frequent of many names are reported, however late they occur, and no field is lost', () => {
  const tally = new FieldTally();
  for (let round = 0; round < 30; round += 1) {
    tally.addAll(names(10_000, `round ${round}`));
    if (round >= 10) for (let times = 0; times < 5; times += 1) tally.addAll([['late', 1]]);
  }
  const counts = kept(tally.top(MAX_NAMED_FIELDS));
  assert.equal(Object.keys(counts.unknownFields).length, MAX_NAMED_FIELDS);
  assert.equal(counts.unknownFields['late'], 100);
  assert.equal(fieldsIn(counts), 300_100);
  assert.ok(counts.otherUnknownFields.paths >= 19_000 && counts.otherUnknownFields.paths <= 300_001);
  assert.ok(JSON.stringify(counts).length < 2_000);
});

test('a tally has at most 20,000 paths, however many fields it counts', () => {
  const tally = new FieldTally();
  for (let round = 0; round < 10; round += 1) tally.addAll(names(10_000, `round ${round}`));
  const counts = tally.top(Infinity);
  assert.ok(Object.keys(counts.unknownFields).length <= 20_000);
  assert.equal(fieldsIn(counts), 100_000);
});

test('the counts of batches add up to those of a run, which has at least the paths of each batch', () => {
  const run = new FieldTally();
  for (let batch = 0; batch < 20; batch += 1) {
    const tally = new FieldTally();
    tally.addAll([['frequent', 7]]);
    tally.addAll(names(1_000 + batch, `batch ${batch}`));
    run.addCounts(kept(tally.top(MAX_NAMED_FIELDS)));
  }
  const counts = run.top(MAX_NAMED_FIELDS);
  assert.equal(counts.unknownFields['frequent'], 140);
  assert.equal(fieldsIn(counts), 20 * 1_007 + 190);
  assert.ok(counts.otherUnknownFields.paths >= 1_020 - MAX_NAMED_FIELDS);
  assert.ok(counts.otherUnknownFields.paths <= 20 * 1_000 + 190);
});

test('the counts of a message with ten thousand long names are small', () => {
  const long = Array.from({ length: 10_000 }, (_, at) => [`${at}${'\u0001'.repeat(150)}`, at] as const);
  const attempt = {
    ...{ keen_id: 'k', started_at: '2018-01-01T00:00:00Z', base_exam_id: 'b', user_exam_id: 'u' },
    ...{ exam_name: 'e', sequences: { questions: [] } },
    ...Object.fromEntries(long),
  };
  const { fault, unknown } = checkAttempt(Buffer.from(JSON.stringify(attempt)));
  assert.equal(fault, undefined);
  const tally = new FieldTally();
  tally.addAll(unknown);
  const counts = kept(tally.top(MAX_NAMED_FIELDS));
  assert.equal(fieldsIn(counts), 10_000);
  assert.ok(JSON.stringify(counts).length < 80_000);
  for (const path of Object.keys(counts.unknownFields)) assert.match(path, /…"$/);
});

test('the most frequent fields are shown first, with the number of others', () => {
  const exact = { unknownFields: { 7: 1, constructor: 2 }, otherUnknownFields: { paths: 0, fields: 0 } };
  assert.deepEqual(fieldLines(exact), [
    'no table knows the field constructor: met 2 times',
    'no table knows the field 7: met 1 time',
  ]);
  const more = { unknownFields: { hint: 1_500 }, otherUnknownFields: { paths: 19_950, fields: 30_000 } };
  assert.deepEqual(fieldLines(more), [
    'no table knows the field hint: met at least 1,500 times',
    'no table knows 19,950 or more other fields: met 30,000 times',
  ]);
});
