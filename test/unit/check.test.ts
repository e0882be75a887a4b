import assert from 'node:assert/strict';
import test from 'node:test';
import { checkAttempt } from '../../records/check.ts';

const OPTION = { id: 'o1', checked: true, correct: true, submitted: 1, at: '2018-01-23T14:23:24.670Z' };
const QUESTION = {
  id: 'q1',
  user_correct: true,
  user_incomplete: false,
  user_result: 'correct',
  user_submitted: true,
};

function attempt(change: (attempt: Record<string, unknown>) => void = () => undefined): Buffer {
  const value = {
    keen_id: 'k1',
    keen_created_at: '1516717442.735266',
    keen_timestamp: '1516717442.7352661',
    started_at: '2018-01-23T14:23:19.082Z',
    base_exam_id: 'b1',
    user_exam_id: 'u1',
    exam_name: 'An Exam: with a colon',
    certification: 'false',
    max_attempts: '1.0',
    sequences: {
      id: 's1',
      attempt: 1,
      counts: {
        total: 1,
        correct: 1,
        incorrect: 0,
        incomplete: 0,
        submitted: 1,
        unanswered: 0,
        all_correct: true,
      },
      questions: [{ ...QUESTION, options: [OPTION, { id: 'o2', checked: false }] }],
    },
  };
  change(value);
  return Buffer.from(JSON.stringify(value));
}

function set(path: string, value: unknown): Buffer {
  return attempt((whole) => {
    const names = path.split('.');
    let at = whole;
    for (const name of names.slice(0, -1)) at = at[name] as Record<string, unknown>;
    at[names.at(-1) ?? ''] = value;
  });
}

function faultOf(payload: Buffer | string | null): string {
  const { fault } = checkAttempt(payload === null ? null : Buffer.from(payload));
  return fault === undefined ? 'none' : `${fault.path}: ${fault.reason}`;
}

test('a real attempt has no fault, and its values are counted by field', () => {
  const { fault, values, unknown } = checkAttempt(attempt());
  assert.equal(fault, undefined);
  assert.equal(values.get('keen_id'), 1);
  assert.equal(values.get('sequences.questions[].options[].id'), 2);
  assert.equal(values.get('sequences.questions[].options[].at'), 1);
  assert.equal(unknown.size, 0);
});

test('null and absent are the same for an optional field', () => {
  assert.equal(faultOf(set('certification', null)), 'none');
  assert.equal(faultOf(set('certification', undefined)), 'none');
  assert.equal(faultOf(set('sequences.counts', undefined)), 'none');
  assert.equal(faultOf(set('sequences.questions.0.user_result', undefined)), 'none');
});

test('a number or boolean may be a string, if it converts without loss', () => {
  assert.equal(faultOf(set('max_attempts', 3)), 'none');
  assert.equal(faultOf(set('max_attempts', '3')), 'none');
  assert.equal(faultOf(set('certification', true)), 'none');
  for (const value of [1.7, '1.7', '1e3', '', ' 1', 2 ** 31, 2 ** 53 + 2, true, [1], {}]) {
    assert.match(faultOf(set('max_attempts', value)), /^max_attempts: must be a whole number of 32 bits/);
  }
  for (const value of ['maybe', 'TRUE', 1, 0, '', [], {}]) {
    assert.match(faultOf(set('certification', value)), /^certification: must be true or false/);
  }
});

test('a time must be valid and have an offset from UTC', () => {
  for (const value of [
    '2018-01-31T00:00:00Z',
    '2016-02-29T23:59:59.999999Z',
    '2018-01-31T00:00:00+05:30',
    '2018-01-31 00:00:00.123456789+0530',
    '2018-01-31t00:00:00.12345600000000z',
    '2018-01-31T00:00:00.1234567-05',
  ]) {
    assert.equal(faultOf(set('started_at', value)), 'none', value);
  }
  for (const value of [
    '2018-02-30T00:00:00Z',
    '2017-02-29T00:00:00Z',
    '2018-13-01T00:00:00Z',
    '2018-01-01T24:00:00Z',
    '2018-01-01',
    '2018-01-01T00:00:00',
    '2018-01-01T00:00:00.1234567891Z',
    '2018-01-01T00:00:00.Z',
    '2018-01-01T00:00:60Z',
    '2018-01-01T00:00:00+5',
    '2018-01-01T00:00:00+053',
    '2018-01-01T00:00:00+24',
    '2018-01-01  00:00:00Z',
    '0000-12-31T23:59:59-01:00',
    1516717442,
    '',
  ]) {
    assert.match(faultOf(set('started_at', value)), /^started_at: must be a time/, String(value));
  }
});

test('a missing required field is reported by its path', () => {
  assert.equal(faultOf(set('keen_id', undefined)), 'keen_id: is missing');
  assert.equal(faultOf(set('keen_id', null)), 'keen_id: must not be null');
  assert.equal(faultOf(set('sequences', undefined)), 'sequences: is missing');
  assert.equal(
    faultOf(set('sequences.questions.0.options', undefined)),
    'sequences.questions[0].options: is missing',
  );
  assert.equal(
    faultOf(set('sequences.questions.0.options.1.id', undefined)),
    'sequences.questions[0].options[1].id: is missing',
  );
});

test('an object in place of an array, and the reverse, is reported', () => {
  assert.equal(
    faultOf(set('sequences.questions', {})),
    'sequences.questions: must be an array, is an object',
  );
  assert.equal(faultOf(set('sequences.counts', [])), 'sequences.counts: must be an object, is an array');
  assert.equal(
    faultOf(set('sequences.questions.0', 'x')),
    'sequences.questions[0]: must be an object, is a string',
  );
});

test('unknown fields are counted by their path, at any depth', () => {
  const { fault, unknown } = checkAttempt(
    attempt((whole) => {
      whole['hint'] = { deep: [{ deeper: 1 }] };
      whole['odd name'] = 1;
      ((whole['sequences'] as { questions: object[] }).questions[0] as Record<string, unknown>)['points'] = 3;
    }),
  );
  assert.equal(fault, undefined);
  assert.deepEqual(
    [...unknown],
    [
      ['hint', 1],
      ['"odd name"', 1],
      ['sequences.questions[].points', 1],
    ],
  );
});

test('__proto__ is a field like any other', () => {
  const payload = attempt().toString('utf8').replace('{', '{"__proto__":{"keen_id":1},"constructor":2,');
  const { fault, unknown } = checkAttempt(Buffer.from(payload));
  assert.equal(fault, undefined);
  assert.deepEqual([...unknown.keys()], ['__proto__', 'constructor']);
});

test('a duplicate field is refused anywhere, since readers differ in which one they use', () => {
  const text = attempt().toString('utf8');
  for (const payload of [
    text.replace('{', '{"keen_id":"other",'),
    text.replace('"id":"o1"', '"id":"o1","id":"o3"'),
    text.replace('{', '{"more":{"a":1,"a":2},'),
    text.replace('{', '{"more":"\\u003a","keen_id":"other",'),
  ]) {
    assert.equal(faultOf(payload), ': has an object with the same field twice');
  }
});

test('invalid JSON is refused as a whole, and not quoted', () => {
  assert.equal(faultOf(null), ': the message has no value');
  assert.equal(faultOf(''), ': the message’s value is empty');
  assert.equal(faultOf('secret'), ': is not JSON');
  assert.equal(faultOf(attempt().toString('utf8').slice(0, -1)), ': is not JSON');
  assert.equal(checkAttempt(Buffer.from([0x22, 0xff, 0x22])).fault?.reason, 'is not UTF-8');
  assert.match(faultOf('[]'), /must be an object, is an array/);
});

test('a lone surrogate is refused in a known field, an unknown one and a name', () => {
  const text = attempt().toString('utf8');
  assert.equal(faultOf(text.replace('"k1"', '"\\ud800"')), 'keen_id: holds half of a surrogate pair');
  assert.match(faultOf(text.replace('{', '{"more":["\\udc00"],')), /holds half of a surrogate pair/);
  assert.match(faultOf(text.replace('{', '{"more":{"\\ud800":1},')), /holds half of a surrogate pair/);
  assert.equal(faultOf(text.replace('"k1"', '"\\ud83d\\ude00"')), 'none');
});

test('nesting of any depth in an unknown field is accepted', () => {
  const deep = '['.repeat(10_000) + ']'.repeat(10_000);
  assert.equal(faultOf(attempt().toString('utf8').replace('{', `{"more":${deep},`)), 'none');
});
