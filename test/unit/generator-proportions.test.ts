import assert from 'node:assert/strict';
import test from 'node:test';
import { generateAttempts, type FeedAttempt } from '../../simulator/generator.ts';
import { optionsOf, questionsOf, tally } from '../support/generated.ts';

const few = [...generateAttempts({ seed: 1, count: 3280 })];
const many = [...generateAttempts({ seed: 7, count: 50_000 })];

/** Shares in a real customer's feed, and their tolerances. */
const EXPECTED: readonly (readonly [name: string, share: number, within: number])[] = [
  ['a redelivery', 0.0116, 0.001],
  ['uncertified', 0.0402, 0.003],
  ['without counts', 0.0015, 0.0002],
  ['all correct', 0.256, 0.03],
  ['of 4 questions', 0.502, 0.01],
  ['of 5 questions', 0.287, 0.01],
  ['of the most popular exam', 0.12, 0.01],
  ['question correct', 0.626, 0.02],
  ['question incorrect', 0.254, 0.02],
  ['question missed_some', 0.084, 0.01],
  // The widest: a user who leaves early leaves several unanswered at once.
  ['question unanswered', 0.035, 0.01],
  ['question unmarked', 0.001, 0.0003],
  ['option checked', 0.349, 0.01],
  ['option correct', 0.39, 0.01],
  ['option with a time', 0.371, 0.01],
  ['option submitted', 0.349, 0.01],
];

function sharesOf(records: readonly FeedAttempt[]): Map<string, number> {
  const [questions, options] = [questionsOf(records), optionsOf(records)];
  const share = <Item>(items: readonly Item[], test: (item: Item) => boolean | undefined) =>
    items.filter(test).length / items.length;
  const marks = ['correct', 'incorrect', 'missed_some', 'unanswered'] as const;
  return new Map([
    ['a redelivery', 1 - new Set(records.map((r) => r.keen_id)).size / records.length],
    ['uncertified', share(records, (r) => r.certification === null)],
    ['without counts', share(records, (r) => r.sequences.counts === undefined)],
    ['all correct', share(records, (r) => r.sequences.counts?.all_correct)],
    ['of 4 questions', share(records, (r) => r.sequences.questions.length === 4)],
    ['of 5 questions', share(records, (r) => r.sequences.questions.length === 5)],
    [
      'of the most popular exam',
      Math.max(...tally(records.map((r) => r.exam_name)).values()) / records.length,
    ],
    ...marks.map((m) => [`question ${m}`, share(questions, (q) => q.user_result === m)] as const),
    ['question unmarked', share(questions, (q) => q.user_result === undefined)],
    ['option checked', share(options, (o) => o.checked)],
    ['option correct', share(options, (o) => o.correct)],
    ['option with a time', share(options, (o) => o.at !== undefined)],
    ['option submitted', share(options, (o) => o.submitted !== undefined)],
  ]);
}

for (const [title, records] of [
  ['a few thousand', few],
  ['fifty thousand', many],
] as const) {
  test(`the proportions of ${title} attempts are the real ones`, () => {
    const shares = sharesOf(records);
    for (const [name, share, within] of EXPECTED) {
      const found = shares.get(name) ?? NaN;
      assert.ok(Math.abs(found - share) <= within, `${name}: ${found}, not ${share} ± ${within}`);
    }
  });
}

test('exam names are about a hundred, a few far more popular, with lengths of 1 to 20', () => {
  const popularity = [...tally(few.map((r) => r.exam_name)).values()].sort((a, b) => b - a);
  assert.equal(popularity.length, 103);
  assert.equal(new Set(few.map((r) => r.base_exam_id)).size, 107);
  assert.ok(popularity.slice(0, 10).reduce((sum, n) => sum + n) > few.length * 0.4);
  assert.ok(popularity.slice(-20).every((n) => n <= 4));
  const lengths = new Set(few.map((r) => r.sequences.questions.length));
  assert.deepEqual(
    [...lengths].sort((a, b) => a - b),
    [1, 2, 3, 4, 5, 6, 7, 8, 10, 20],
  );
});

test('some exams score far lower than others', () => {
  const scores = new Map<string, { correct: number; asked: number; attempts: number }>();
  for (const { base_exam_id: exam, sequences } of many) {
    const score = scores.get(exam) ?? { correct: 0, asked: 0, attempts: 0 };
    score.correct += sequences.counts?.correct ?? 0;
    score.asked += sequences.questions.length;
    score.attempts += 1;
    scores.set(exam, score);
  }
  const means = [...scores.values()].filter((s) => s.attempts > 300).map((s) => s.correct / s.asked);
  assert.ok(Math.min(...means) < 0.5, `${Math.min(...means)}`);
  assert.ok(Math.max(...means) > 0.8, `${Math.max(...means)}`);
});

test('afternoons in UTC are busy and nights are not', () => {
  const hours = tally(many.map(({ started_at }) => started_at.slice(11, 13)));
  for (const hour of ['13', '14', '15']) assert.ok((hours.get(hour) ?? 0) > many.length * 0.055, hour);
  for (const hour of ['00', '02', '03']) assert.ok((hours.get(hour) ?? 0) < many.length * 0.025, hour);
});
