import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { pathToFileURL } from 'node:url';
import { ROOT, TestPipeline } from '../harness.ts';

/** The customer's real data set and its right answers stand beside a checkout where they may be had. */
const SHARED = join(ROOT, '../shared');
const DATA = join(SHARED, 'data/assessment-attempts-20180128-121051-nested.json.gz');
const ANSWERS = join(SHARED, 'golden/answers.json');

type Value = string | number | boolean | null;
type Rows = Record<string, Value>[];

/** The answers of the command line in the shape of the file of right answers. */
function asGolden(found: Record<string, Rows>): Record<string, unknown> {
  const [overview = {}] = found['overview'] ?? [];
  const { first_started_at, last_started_at, ...counts } = overview;
  const listOf = (name: string): Value[][] => (found[name] ?? []).map((row) => Object.values(row));
  const pairsOf = (name: string): object =>
    Object.fromEntries(listOf(name).map(([key, value]) => [String(key ?? 'None'), value] as const));
  const { exam_name: popular, ...mostPopular } = found['most_popular']?.[0] ?? {};
  assert.equal(popular, 'Learning Git');
  const least = found['least_common'] ?? [];
  return {
    ...counts,
    learning_git: mostPopular,
    top10: listOf('most_common'),
    least_common: { attempts: least[0]?.['attempts'], exams: least.map((row) => row['exam_name']) },
    exams_per_user: found['exams_per_user']?.[0],
    questions_per_exam: found['questions_per_exam']?.[0],
    attempts_by_exam_length: pairsOf('attempts_by_exam_length'),
    first_started_at,
    last_started_at,
    starts_by_hour_utc: (found['starts_by_hour_utc'] ?? []).map((row) => row['attempts']),
    four_question_exams: found['four_question_exams']?.[0],
    lowest_mean_score_4q_20plus: listOf('lowest_mean_score_4q_20plus'),
    results: pairsOf('results'),
  };
}

interface Golden {
  readonly rows_all_deliveries: Record<string, number>;
  readonly rows_deduplicated: Record<string, number>;
  readonly answers_all_deliveries: Record<string, unknown>;
  readonly answers_deduplicated: Record<string, unknown>;
}

describe('the real data set', { skip: existsSync(DATA) ? false : 'the real data set is not here' }, () => {
  let pipeline: TestPipeline;
  let golden: Golden;

  before(async () => {
    golden = JSON.parse(readFileSync(ANSWERS, 'utf8')) as Golden;
    pipeline = await TestPipeline.create({ real: { url: pathToFileURL(DATA).href } });
    await pipeline.startWorker();
  });

  after(() => pipeline.close());

  async function answers(...words: string[]): Promise<Record<string, unknown>> {
    const { code, stdout, stderr } = await pipeline.command('answers', '--json', ...words);
    assert.equal(code, 0, stderr);
    return asGolden(JSON.parse(stdout) as Record<string, Rows>);
  }

  async function rowsOf(suffix: string): Promise<Rows> {
    const { code, stdout, stderr } = await pipeline.command(
      'query',
      '--json',
      `SELECT (SELECT count(*) FROM attempts${suffix}) AS attempts, (SELECT count(*) FROM questions${suffix}) AS questions,
         count(*) AS options, count(*) FILTER (checked) AS options_checked,
         count(*) FILTER (correct) AS options_correct, count("at") AS options_at FROM options${suffix}`,
    );
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as Rows;
  }

  test('a run lands every record of it in every table', async () => {
    const { code, stdout, stderr } = await pipeline.command('start', 'real', '--follow');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /real landed/);
    assert.deepEqual(await rowsOf(''), [golden.rows_all_deliveries]);
  });

  test('the tables give all of the right answers, over all deliveries', async () => {
    assert.deepEqual(await answers('--source', 'real'), golden.answers_all_deliveries);
  });

  test('the views give all of the right answers, each attempt once', async () => {
    assert.deepEqual(await rowsOf('_deduplicated'), [golden.rows_deduplicated]);
    assert.deepEqual(await answers('--deduplicated'), golden.answers_deduplicated);
  });

  test('the same content a second time is unchanged and lands nothing', async () => {
    const { code, stdout } = await pipeline.command('start', 'real', '--follow');
    assert.equal(code, 0);
    assert.match(stdout, /real is unchanged/);
    assert.deepEqual(await rowsOf(''), [golden.rows_all_deliveries]);
  });

  test('the run is in the table runs once, with its counts and its content', async () => {
    const { stdout } = await pipeline.command('query', '--json', 'SELECT * FROM runs');
    const [run, ...more] = JSON.parse(stdout) as Rows;
    assert.deepEqual(more, []);
    assert.equal(run?.['outcome'], 'landed');
    assert.equal(run['content_sha256'], '1f594df822bdb3ef11107c40fd9cf84ba02545364e672a625d58365a82897229');
    for (const step of ['fetch', 'publish', 'consume', 'transform', 'land']) {
      assert.equal(run[`${step}_records_in`], 3280, step);
      assert.equal(run[`${step}_records_out`], 3280, step);
    }
  });

  test('verify finds nothing off', async () => {
    const { code, stdout, stderr } = await pipeline.command('verify');
    assert.equal(code, 0, stdout + stderr);
  });
});
