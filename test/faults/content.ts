import assert from 'node:assert/strict';
import type { FeedAttempt } from '../../simulator/attempt.ts';
import type { TestPipeline } from '../support/harness.ts';

/** The compared columns of each table: all that derive from the customer's attempt, not from its delivery. */
const SELECTS = {
  attempts: `
    SELECT keen_id, epoch_us(keen_created_at)::VARCHAR, epoch_us(started_at)::VARCHAR, base_exam_id, user_exam_id, exam_name,
      certification, max_attempts, sequence_id, attempt, total, correct, incorrect, incomplete, submitted, unanswered, all_correct
    FROM attempts`,
  questions: `
    SELECT keen_id, question_position, question_id, user_correct, user_incomplete, user_result, user_submitted, option_count
    FROM questions JOIN attempts USING (kafka_topic, kafka_partition, kafka_offset)`,
  options: `
    SELECT keen_id, question_position, option_position, option_id, checked, correct_option, submitted_option, epoch_us("at")::VARCHAR
    FROM (SELECT * RENAME (correct AS correct_option, submitted AS submitted_option) FROM options)
      JOIN attempts USING (kafka_topic, kafka_partition, kafka_offset)`,
  deliveries: 'SELECT json(payload) FROM deliveries',
} as const;

type Value = string | number | boolean | null;
type Content = Record<keyof typeof SELECTS, string[]>;

/**
 * Makes sure that the tables hold each of these deliveries once, every value of it, and nothing else; and that
 * `verify` finds Kafka, the logs and the files to agree.
 * @param expected The attempts in any order; one that was delivered twice is there twice.
 */
export async function requireExactly(pipeline: TestPipeline, expected: Iterable<FeedAttempt>): Promise<void> {
  await requireContent(pipeline, expected);
  const { code, stdout, stderr } = await pipeline.command('verify');
  assert.equal(code, 0, stdout + stderr);
}

/** The first half of {@link requireExactly}, for where Kafka no longer has what landed. */
export async function requireContent(pipeline: TestPipeline, expected: Iterable<FeedAttempt>): Promise<void> {
  const due = contentOf(expected);
  for (const [table, select] of Object.entries(SELECTS)) {
    const { stdout, stderr } = await pipeline.command('query', '--json', select);
    assert.notEqual(stdout, '', stderr);
    const rows = (JSON.parse(stdout) as Record<string, Value>[]).map((row) =>
      JSON.stringify(Object.values(row)),
    );
    requireSame(table, rows.sort(), due[table as keyof Content].sort());
  }
}

/** Says how many are missing and how many too many, and shows one: thousands of lines would show nothing. */
function requireSame(table: string, found: readonly string[], due: readonly string[]): void {
  const [missing, surplus] = [without(due, found), without(found, due)];
  assert.deepEqual(
    {
      table,
      rows: found.length,
      missing: missing.length,
      surplus: surplus.length,
      such: [missing, surplus].map(([one]) => one?.slice(0, 200)),
    },
    { table, rows: due.length, missing: 0, surplus: 0, such: [undefined, undefined] },
  );
}

function without(all: readonly string[], taken: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const one of taken) counts.set(one, (counts.get(one) ?? 0) + 1);
  return all.filter((one) => {
    const left = counts.get(one) ?? 0;
    counts.set(one, left - 1);
    return left <= 0;
  });
}

function contentOf(attempts: Iterable<FeedAttempt>): Content {
  const content: Content = { attempts: [], questions: [], options: [], deliveries: [] };
  const add = (table: keyof Content, ...values: (Value | undefined)[]): void => {
    content[table].push(JSON.stringify(values.map((value) => value ?? null)));
  };
  for (const attempt of attempts) {
    const { keen_id: id, sequences, certification } = attempt;
    const { total, correct, incorrect, incomplete, submitted, unanswered, all_correct } =
      sequences.counts ?? {};
    add('deliveries', JSON.stringify(attempt));
    add(
      'attempts',
      ...[id, secondsToMicros(attempt.keen_created_at), isoToMicros(attempt.started_at)],
      ...[attempt.base_exam_id, attempt.user_exam_id, attempt.exam_name],
      ...[certification === null ? null : certification === 'true', Number(attempt.max_attempts)],
      ...[sequences.id, sequences.attempt, total, correct, incorrect],
      ...[incomplete, submitted, unanswered, all_correct],
    );
    for (const [questionIndex, question] of sequences.questions.entries()) {
      const { user_correct, user_incomplete, user_result, user_submitted, options } = question;
      add(
        'questions',
        id,
        questionIndex,
        question.id,
        user_correct,
        user_incomplete,
        user_result,
        user_submitted,
        options.length,
      );
      for (const [index, option] of options.entries()) {
        const { checked, correct, submitted } = option;
        const changed = option.at === undefined ? null : isoToMicros(option.at);
        add('options', id, questionIndex, index, option.id, checked, correct, submitted, changed);
      }
    }
  }
  return content;
}

function isoToMicros(time: string): string {
  return String(BigInt(Date.parse(time)) * 1000n);
}

/** Up to 7 decimals; the last is rounded, half away from zero. */
function secondsToMicros(text: string): string {
  const [whole = '', decimals = ''] = text.split('.');
  const tenths = BigInt(whole + decimals.padEnd(7, '0').slice(0, 7));
  return String((tenths + 5n) / 10n);
}
