import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { pathToFileURL } from 'node:url';
import { ROOT, TestPipeline } from '../support/harness.ts';

/** The customer's real data set and its correct answers, beside a checkout that has them. */
const SHARED = join(ROOT, '../shared');
const DATA = join(SHARED, 'data/assessment-attempts-20180128-121051-nested.json.gz');
const ANSWERS = join(SHARED, 'golden/answers.json');

/** A page that is sent around must not be larger. */
const MAX_PAGE_BYTES = 2_000_000;

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
  readonly duplicates: { readonly records: number; readonly keen_ids_delivered_more_than_once: number };
  readonly missing: Record<string, number>;
}

/** The figures of a report, by their names. */
type ReportFigures = Record<string, { readonly rows: Rows }>;

/** With numbers to nine places: in which order DuckDB adds up is not the same each time. */
function rounded(figures: object): unknown {
  return JSON.parse(JSON.stringify(figures), (_, value: unknown) =>
    typeof value === 'number' ? Number(value.toFixed(9)) : value,
  );
}

/** The figures in the shape of what `answers` says. */
function asAnswers(figures: ReportFigures): Record<string, Rows> {
  const rowsOf = (name: string): Rows => figures[name]?.rows ?? [];
  const only = (row: Rows[number], ...names: string[]): Rows[number] =>
    Object.fromEntries(names.map((name) => [name, row[name] ?? null]));
  const [most = {}] = rowsOf('most_taken');
  const least = rowsOf('least_taken');
  return {
    ...Object.fromEntries(Object.keys(figures).map((name) => [name, rowsOf(name)])),
    most_popular: [{ ...only(most, 'exam_name', 'attempts'), users: most['people'] ?? null }],
    most_common: rowsOf('most_taken')
      .slice(0, 10)
      .map((row) => only(row, 'exam_name', 'attempts')),
    least_common: least.filter((row) => row['attempts'] === least[0]?.['attempts']),
    starts_by_hour_utc: rowsOf('starts_by_hour'),
  };
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

  test('the tables give the correct answers over all deliveries', async () => {
    assert.deepEqual(await answers('--source', 'real'), golden.answers_all_deliveries);
  });

  test('the views give the correct answers over deduplicated attempts', async () => {
    assert.deepEqual(await rowsOf('_deduplicated'), [golden.rows_deduplicated]);
    assert.deepEqual(await answers('--deduplicated'), golden.answers_deduplicated);
  });

  async function reportOf(...words: string[]): Promise<ReportFigures> {
    const { code, stdout, stderr } = await pipeline.command('report', '--json', ...words);
    assert.equal(code, 0, stderr);
    return (JSON.parse(stdout) as { figures: ReportFigures }).figures;
  }

  test('the report has the correct figures over all deliveries', async () => {
    const figures = await reportOf('--source', 'real', '--all-deliveries');
    assert.deepEqual(asGolden(asAnswers(figures)), golden.answers_all_deliveries);
    assert.deepEqual(figures['rows']?.rows, [golden.rows_all_deliveries]);
    assert.deepEqual(figures['missing']?.rows, [golden.missing]);
  });

  test('the report has the correct figures over deduplicated attempts, and its page shows them', async () => {
    const figures = await reportOf();
    assert.deepEqual(asGolden(asAnswers(figures)), golden.answers_deduplicated);
    assert.deepEqual(figures['rows']?.rows, [golden.rows_deduplicated]);
    const [redelivered] = figures['redeliveries']?.rows ?? [];
    assert.equal(redelivered?.['redeliveries'], golden.duplicates.records);
    assert.equal(redelivered['attempts_redelivered'], golden.duplicates.keen_ids_delivered_more_than_once);

    const file = join(pipeline.folder, 'report.html');
    const { code, stdout, stderr } = await pipeline.command('report', '--output', file);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /report\.html \(\d+\.\d KiB\)/);
    const page = await readFile(file, 'utf8');
    assert.ok(page.length < MAX_PAGE_BYTES, `the page has ${page.length} characters`);
    const [, data = ''] = /<script type="application\/json" id="figures">(.*?)<\/script>/s.exec(page) ?? [];
    const shown = (JSON.parse(data) as { figures: ReportFigures }).figures;
    assert.deepEqual(rounded({ ...shown, freshness: null }), rounded({ ...figures, freshness: null }));
    assert.match(page, /<dd>3,242<\/dd>/);
    assert.match(page, /Learning Git: 390 times, by 390 people\./);
  });

  test('the report ranks a hard exam with many attempts before one with few attempts and a lower mean', async () => {
    const hardest = (await reportOf())['hardest_exams']?.rows ?? [];
    const meanOf = (row: Rows[number] | undefined): number => Number(row?.['mean_score']);
    const placeOf = (name: string): number => hardest.findIndex((row) => row['exam_name'] === name);
    assert.equal(placeOf('Mastering Advanced Git'), 0);
    assert.equal(placeOf('Software Architecture Fundamentals Understanding the Basics'), 1);
    const [, second] = hardest;
    assert.ok(hardest.slice(2).some((row) => meanOf(row) < meanOf(second) && Number(row['attempts']) < 109));
    for (const row of hardest) {
      const likely = Number(row['likely_score']);
      assert.ok(Number(row['low']) < likely && likely < Number(row['high']), String(row['exam_name']));
    }
  });

  test('the report’s SQL gives the same answer as a query', async () => {
    const { code, stdout } = await pipeline.command('report', '--json', '--time-zone', 'Europe/Berlin');
    assert.equal(code, 0);
    const { figures } = JSON.parse(stdout) as { figures: Record<string, { sql: string; rows: Rows }> };
    const hours = figures['starts_by_hour'];
    const asked = await pipeline.command('query', '--json', hours?.sql ?? '');
    assert.deepEqual(JSON.parse(asked.stdout), hours?.rows);
    const byUtc = golden.answers_deduplicated['starts_by_hour_utc'] as number[];
    // Berlin is an hour ahead of UTC in the winter, when all of them started.
    assert.deepEqual(
      hours?.rows.map((row) => row['attempts']),
      [...byUtc.slice(-1), ...byUtc.slice(0, -1)],
    );
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

  test('verify finds no inconsistency', async () => {
    const { code, stdout, stderr } = await pipeline.command('verify');
    assert.equal(code, 0, stdout + stderr);
  });
});
