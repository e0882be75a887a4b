import assert from 'node:assert/strict';
import test from 'node:test';
import { generateAttempts, DECK, type FeedAttempt, type FeedQuestion } from '../../simulator/generator.ts';
import { Random } from '../../simulator/random.ts';
import { PipelineError } from '../../model/errors.ts';
import { optionsOf, questionsOf, tally } from '../support/generated.ts';

const few = [...generateAttempts({ seed: 1, count: 3280 })];
const many = [...generateAttempts({ seed: 7, count: 50_000 })];

/** Returns the keys of an object with the types of their values, in order, such as `checked:boolean id:string`. */
function shape(record: object): string {
  return Object.entries(record)
    .map(([key, value]: [string, unknown]) => `${key}:${value === null ? 'null' : typeof value}`)
    .join(' ');
}

const shapes = (records: readonly object[]) => [...new Set(records.map(shape))].sort();

test('another seed gives other attempts of the same exams', () => {
  const [one, two] = [1, 2].map((seed) => [...generateAttempts({ seed, count: DECK })]) as [
    FeedAttempt[],
    FeedAttempt[],
  ];
  const ids = new Set(one.map(({ keen_id }) => keen_id));
  assert.equal(two.filter(({ keen_id }) => ids.has(keen_id)).length, 0);
  const exams = (records: FeedAttempt[]) => new Map([...tally(records.map((r) => r.base_exam_id))].sort());
  assert.deepEqual(new Set(exams(one).keys()), new Set(exams(two).keys()));
});

test('any part of the sequence equals the same slice of the whole', () => {
  for (const [firstIndex, count] of [
    [0, 0],
    [17, 1],
    [DECK - 1, 2],
    [3 * DECK + 5, DECK],
  ] as const) {
    const part = [...generateAttempts({ seed: 7, firstIndex, count })];
    assert.deepEqual(part, many.slice(firstIndex, firstIndex + count));
  }
});

test('the attempts of an interval are those of the whole that started in it', () => {
  const [from, to] = ['2017-12-01T00:00:00.000Z', '2017-12-08T00:00:00.000Z'];
  const between = [
    ...generateAttempts({ seed: 1, count: 3280, fromMs: Date.parse(from), toMs: Date.parse(to) }),
  ];
  assert.deepEqual(
    between,
    few.filter(({ started_at }) => started_at >= from && started_at < to),
  );
  assert.ok(between.length > 200 && between.length < 500, `${between.length} in a week`);
});

test('another first day moves the attempts there', () => {
  const moved = [...generateAttempts({ seed: 1, count: 500, sinceMs: Date.UTC(2026, 0, 5) })];
  assert.ok(moved.every(({ started_at }) => started_at >= '2026-01-05' && started_at < '2026-03-14'));
});

test('a generator is lazy, and an endless one can be abandoned', () => {
  const start = process.cpuUsage();
  const endless = generateAttempts({ seed: 1, count: Infinity });
  for (let taken = 0; taken < 10; taken += 1) assert.equal(endless.next().done, false);
  endless.return();
  assert.ok(process.cpuUsage(start).user < 2_000_000);
});

test('no two of half a million keys share a stream', () => {
  const streams = new Set<number>();
  for (let deck = 0; deck < 500; deck += 1) {
    for (let card = 0; card < 1000; card += 1) {
      const random = new Random(1, deck, card);
      streams.add((random.word() & 0xfffff) * 2 ** 32 + random.word());
    }
  }
  assert.equal(streams.size, 500_000);
});

test('attempts have the fields, the types and the key order of the real feed', () => {
  const head = 'keen_timestamp:string max_attempts:string started_at:string base_exam_id:string';
  const middle = 'user_exam_id:string sequences:object keen_created_at:string';
  assert.deepEqual(shapes(few), [
    `${head} ${middle} certification:null keen_id:string exam_name:string`,
    `${head} ${middle} certification:string keen_id:string exam_name:string`,
  ]);
  assert.deepEqual(shapes(few.map(({ sequences }) => sequences)), [
    'attempt:number id:string questions:object',
    'questions:object attempt:number id:string counts:object',
  ]);
  assert.deepEqual(shapes(few.flatMap(({ sequences }) => sequences.counts ?? [])), [
    'incomplete:number submitted:number incorrect:number all_correct:boolean correct:number total:number unanswered:number',
  ]);
  assert.deepEqual(shapes(questionsOf(few)), [
    'options:object id:string',
    'user_incomplete:boolean user_correct:boolean options:object user_submitted:boolean id:string user_result:string',
  ]);
  assert.deepEqual(shapes(optionsOf(few)), [
    'checked:boolean at:string id:string',
    'checked:boolean at:string id:string correct:boolean',
    'checked:boolean at:string id:string submitted:number',
    'checked:boolean at:string id:string submitted:number correct:boolean',
    'checked:boolean correct:boolean id:string',
    'checked:boolean id:string',
  ]);
});

test('values have the formats of the real feed', () => {
  const time = /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[14][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  for (const attempt of few) {
    assert.match(attempt.keen_timestamp, /^\d{10}\.\d{1,7}$/);
    assert.equal(attempt.keen_created_at, attempt.keen_timestamp);
    assert.equal(attempt.keen_timestamp, String(Number(attempt.keen_timestamp)), 'as a double prints');
    assert.match(attempt.keen_id, /^[0-9a-f]{14}0001[0-9a-f]{6}$/);
    assert.equal(parseInt(attempt.keen_id.slice(0, 8), 16), Math.floor(Number(attempt.keen_timestamp)));
    assert.match(attempt.started_at, time);
    assert.match(attempt.user_exam_id, uuid);
    assert.match(attempt.base_exam_id, attempt.sequences.counts === undefined ? /^sandbox-exam$/ : uuid);
    assert.equal(attempt.max_attempts, '1.0');
    assert.equal(attempt.sequences.attempt, 1);
    assert.ok(attempt.certification === null || attempt.certification === 'false');
    assert.ok(Number(attempt.keen_timestamp) > Date.parse(attempt.started_at) / 1000);
  }
  for (const option of optionsOf(few)) {
    assert.match(option.id, option.id.length === 32 ? /^[0-9a-f]{32}$/ : uuid);
    if (option.at !== undefined) assert.match(option.at, time);
  }
});

/** Marks a question by the platform's rule, from its options alone. */
function marked({ options }: FeedQuestion): string {
  const checked = options.filter((option) => option.checked);
  if (checked.length === 0) return 'unanswered';
  if (checked.some(({ correct }) => correct !== true)) return 'incorrect';
  const right = options.filter(({ correct }) => correct === true);
  return checked.length === right.length ? 'correct' : 'missed_some';
}

test('results follow from the options, and counts from the results', () => {
  for (const { sequences } of many) {
    const { questions, counts } = sequences;
    if (counts === undefined) {
      assert.ok(questions.every((question) => question.user_result === undefined));
      continue;
    }
    for (const question of questions) {
      assert.equal(question.user_result, marked(question));
      assert.equal(question.user_correct, question.user_result === 'correct');
      assert.equal(question.user_incomplete, question.user_result === 'missed_some');
      assert.equal(question.user_submitted, question.user_result !== 'unanswered');
      assert.ok(question.options.some(({ correct }) => correct === true));
    }
    const results = tally(questions.map(({ user_result }) => user_result ?? 'none'));
    assert.deepEqual(counts, {
      incomplete: results.get('missed_some') ?? 0,
      submitted: questions.length - (results.get('unanswered') ?? 0),
      incorrect: results.get('incorrect') ?? 0,
      all_correct: results.get('correct') === questions.length,
      correct: results.get('correct') ?? 0,
      total: questions.length,
      unanswered: results.get('unanswered') ?? 0,
    });
  }
});

test('an option was submitted exactly when it was checked and its question marked', () => {
  for (const question of questionsOf(many)) {
    for (const option of question.options) {
      assert.equal(option.submitted === 1, option.checked && question.user_result !== undefined);
      if (option.checked) assert.ok(option.at !== undefined);
    }
  }
});

test('a redelivery is its original, byte for byte, and every other attempt is its own user’s', () => {
  const texts = new Map<string, string>();
  const repeats: string[] = [];
  for (const attempt of few) {
    const text = JSON.stringify(attempt);
    const known = texts.get(attempt.keen_id);
    if (known !== undefined) repeats.push(attempt.keen_id);
    assert.equal(text, known ?? text);
    texts.set(attempt.keen_id, text);
  }
  assert.equal(repeats.length, 38);
  assert.equal(new Set(repeats).size, 20);
  assert.equal(new Set(few.map(({ user_exam_id }) => user_exam_id)).size, few.length - 38);
  assert.equal(
    new Set(many.map(({ user_exam_id }) => user_exam_id)).size,
    new Set(many.map((r) => r.keen_id)).size,
  );
});

test('a number out of its bounds is refused by name', () => {
  for (const options of [
    { seed: -1, count: 1 },
    { seed: 1.5, count: 1 },
    { seed: 1, count: NaN },
    { seed: 1, count: 1, firstIndex: -1 },
  ]) {
    assert.throws(
      () => generateAttempts(options).next(),
      (thrown) => thrown instanceof PipelineError && thrown.code === 'SETTINGS_INVALID',
    );
  }
});
