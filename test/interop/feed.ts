import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { generateAttempts } from '../../simulator/generator.ts';
import { ROOT, type SourceYaml } from '../support/harness.ts';

/** A customer's real data set and its correct answers, beside a checkout that has them. */
const SHARED = join(ROOT, '../shared');
const DATA = join(SHARED, 'data/assessment-attempts-20180128-121051-nested.json.gz');
const ANSWERS = join(SHARED, 'golden/answers.json');

/** Why the right answers are not compared with; false where they are here. */
export const GOLDEN_LEFT_OUT =
  !(existsSync(DATA) && existsSync(ANSWERS)) &&
  'the real data set and its right answers are not here, so the attempts are generated ones';

/** The right answers of the real data set, and what Spark answers in their place. */
export const Answers = z.object({
  rows_all_deliveries: z.record(z.string(), z.int()),
  rows_deduplicated: z.record(z.string(), z.int()),
  answers_all_deliveries: z.record(z.string(), z.unknown()),
  answers_deduplicated: z.record(z.string(), z.unknown()),
});

/** See {@link GOLDEN_LEFT_OUT}. */
export function rightAnswers(): z.infer<typeof Answers> {
  return Answers.parse(JSON.parse(readFileSync(ANSWERS, 'utf8')));
}

/** How many attempts are generated: each of the generator's exams and oddities is among them. */
const GENERATED = 3_320;

const Counts = z.object({
  total: z.int(),
  correct: z.int(),
  incorrect: z.int(),
  incomplete: z.int(),
  submitted: z.int(),
  unanswered: z.int(),
  all_correct: z.boolean(),
});

const Attempt = z.object({
  keen_id: z.string(),
  keen_created_at: z.string(),
  keen_timestamp: z.string(),
  started_at: z.iso.datetime(),
  base_exam_id: z.string(),
  user_exam_id: z.string(),
  exam_name: z.string(),
  certification: z.literal('false').nullable(),
  max_attempts: z.literal('1.0'),
  sequences: z.object({
    id: z.string(),
    attempt: z.int(),
    counts: Counts.optional(),
    questions: z.array(
      z.object({
        options: z.array(
          z.object({ checked: z.boolean(), correct: z.boolean().optional(), at: z.string().optional() }),
        ),
      }),
    ),
  }),
});

/** An attempt as the customer delivers it. */
export type Attempt = z.infer<typeof Attempt>;

const COUNTS = Object.keys(Counts.shape) as (keyof typeof Counts.shape)[];

/** The columns of {@link rowOf}. */
export const ATTEMPT_COLUMNS: readonly string[] = [
  ...['keen_id', 'keen_created_at', 'keen_timestamp', 'started_at', 'base_exam_id', 'user_exam_id'],
  ...['exam_name', 'certification', 'max_attempts', 'sequence_id', 'attempt', ...COUNTS],
];

/** An attempt's row as the readers show it: times in microseconds since 1970. */
export function rowOf(attempt: Attempt): unknown[] {
  const { id, attempt: nth, counts } = attempt.sequences;
  return [
    attempt.keen_id,
    microsecondsOf(attempt.keen_created_at),
    microsecondsOf(attempt.keen_timestamp),
    Date.parse(attempt.started_at) * 1000,
    ...[attempt.base_exam_id, attempt.user_exam_id, attempt.exam_name],
    attempt.certification === null ? null : false,
    1,
    id,
    nth,
    ...COUNTS.map((name) => counts?.[name] ?? null),
  ];
}

/** How many rows attempts make, named as in the file of right answers. */
export function rowCounts(delivered: readonly Attempt[]): Record<string, number> {
  const questions = delivered.flatMap(({ sequences }) => sequences.questions);
  const options = questions.flatMap((question) => question.options);
  return {
    attempts: delivered.length,
    questions: questions.length,
    options: options.length,
    options_checked: options.filter(({ checked }) => checked).length,
    options_correct: options.filter(({ correct }) => correct).length,
    options_at: options.filter(({ at }) => at !== undefined).length,
  };
}

/** A file that a source is fetched from. */
export class Feed {
  readonly source: SourceYaml;
  readonly #file: string;

  constructor(folder: string, name: string) {
    this.#file = join(folder, name);
    this.source = { url: pathToFileURL(this.#file).href, format: 'json-array' };
  }

  /** Has it deliver the real data set where it is here, else generated attempts. */
  async deliverMany(): Promise<Attempt[]> {
    if (GOLDEN_LEFT_OUT !== false) return this.deliver(0, GENERATED);
    const content = readFileSync(DATA);
    await writeFile(this.#file, content);
    return attemptsIn(gunzipSync(content));
  }

  /** Has it deliver generated attempts, and then `more`, whatever these are. */
  async deliver(firstIndex: number, count: number, ...more: readonly unknown[]): Promise<Attempt[]> {
    const generated = [...generateAttempts({ seed: 7, firstIndex, count })];
    await writeFile(this.#file, JSON.stringify([...generated, ...more]));
    return attemptsIn(Buffer.from(JSON.stringify(generated)));
  }
}

function attemptsIn(content: Buffer): Attempt[] {
  return z.array(Attempt).parse(JSON.parse(content.toString('utf8')));
}

/** Seconds in decimal as the nearest whole microseconds, a half upwards. */
function microsecondsOf(seconds: string): number {
  const [whole = '', fraction = ''] = seconds.split('.');
  const tenths = BigInt(whole + fraction.padEnd(7, '0'));
  return Number((tenths + 5n) / 10n);
}
