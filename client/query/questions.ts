import { sqlText } from '../../adapters/duckdb/database.ts';

/** A question about the attempts, and the SQL that answers it. */
export interface StandardQuestion {
  /** Key of the answer in `answers --json`. */
  readonly name: string;
  readonly question: string;
  /** DuckDB's SQL, over the relations of {@link scopedSql}. */
  readonly sql: string;
}

/** The questions that `pipeline answers` answers. */
export const STANDARD_QUESTIONS: readonly StandardQuestion[] = [
  {
    name: 'overview',
    question: 'How many exams were taken, of which kinds, and by how many people?',
    sql: `SELECT count(*) AS exams, count(DISTINCT exam_name) AS exam_names,
            count(DISTINCT base_exam_id) AS base_exam_ids, count(DISTINCT user_exam_id) AS users,
            min(started_at) AS first_started_at, max(started_at) AS last_started_at
          FROM attempt`,
  },
  {
    name: 'most_popular',
    question: 'Which exam is the most popular, and how many people took it?',
    sql: `SELECT exam_name, count(*) AS attempts, count(DISTINCT user_exam_id) AS users
          FROM attempt GROUP BY ALL ORDER BY attempts DESC, exam_name LIMIT 1`,
  },
  {
    name: 'most_common',
    question: 'Which exams are taken most?',
    sql: `SELECT exam_name, count(*) AS attempts FROM attempt GROUP BY ALL ORDER BY attempts DESC, exam_name LIMIT 10`,
  },
  {
    name: 'least_common',
    question: 'Which exams are taken least?',
    sql: `WITH taken AS (SELECT exam_name, count(*) AS attempts FROM attempt GROUP BY ALL)
          SELECT exam_name, attempts FROM taken
          WHERE attempts = (SELECT min(attempts) FROM taken) ORDER BY exam_name`,
  },
  {
    name: 'exams_per_user',
    question: 'How many exams does a person take?',
    sql: `SELECT avg(exams) AS mean, median(exams) AS median, max(exams) AS max
          FROM (SELECT user_exam_id, count(*) AS exams FROM attempt GROUP BY ALL)`,
  },
  {
    name: 'questions_per_exam',
    question: 'How many questions has an exam?',
    sql: `SELECT count(total) AS exams_with_counts, avg(total) AS mean, min(total) AS min, max(total) AS max FROM attempt`,
  },
  {
    name: 'attempts_by_exam_length',
    question: 'How often are exams of each length taken?',
    sql: `SELECT total AS questions, count(*) AS attempts FROM attempt WHERE total IS NOT NULL
          GROUP BY ALL ORDER BY questions`,
  },
  {
    name: 'starts_by_hour_utc',
    question: 'At which hour of the day (UTC) do people start?',
    sql: `SELECT hour(started_at) AS hour, count(*) AS attempts FROM attempt GROUP BY ALL ORDER BY hour`,
  },
  {
    name: 'four_question_exams',
    question: 'How many exams have four questions?',
    sql: `SELECT count(*) AS attempts, count(DISTINCT exam_name) AS exam_names,
            (SELECT count(*) FROM (SELECT exam_name FROM attempt WHERE total = 4 GROUP BY ALL HAVING count(*) >= 20))
              AS names_with_20_or_more
          FROM attempt WHERE total = 4`,
  },
  {
    name: 'lowest_mean_score_4q_20plus',
    question: 'Which exams of four questions, taken 20 times or more, have the lowest mean score?',
    sql: `SELECT exam_name, count(*) AS attempts, avg(correct / total) AS mean_score
          FROM attempt WHERE total = 4 AND correct IS NOT NULL
          GROUP BY ALL HAVING count(*) >= 20 ORDER BY mean_score, exam_name LIMIT 6`,
  },
  {
    name: 'results',
    question: 'How are questions answered?',
    sql: `SELECT user_result, count(*) AS questions FROM question GROUP BY ALL ORDER BY user_result NULLS FIRST`,
  },
];

/** Selects the attempts that a question is about. */
export interface Scope {
  /** Undefined for all sources. */
  readonly source: string | undefined;
  /** Whether an attempt counts once, as first delivered; otherwise once per delivery. */
  readonly deduplicated: boolean;
}

/** The relations that a question's SQL can use, each with its table; `once` ones can be deduplicated. */
const RELATIONS: Readonly<Record<string, { readonly table: string; readonly once: boolean }>> = {
  attempt: { table: 'attempts', once: true },
  question: { table: 'questions', once: true },
  option: { table: 'options', once: true },
  delivered: { table: 'attempts', once: false },
  refused: { table: 'quarantine', once: false },
  run: { table: 'runs', once: false },
};

/** Returns the SQL of one of {@link STANDARD_QUESTIONS}. */
export function findQuestionSql(name: string): string {
  const question = STANDARD_QUESTIONS.find((one) => one.name === name);
  if (question === undefined) throw new TypeError(`there is no question ${name}`);
  return question.sql;
}

/** Translates SQL over {@link RELATIONS} into SQL over the tables and views, restricted to the scope. */
export function scopedSql(sql: string, { source, deduplicated }: Scope): string {
  const where = source === undefined ? '' : ` WHERE source = ${sqlText(source)}`;
  const relations = Object.entries(RELATIONS)
    .filter(([name]) => new RegExp(`\\b${name}\\b`).test(sql))
    .map(([name, { table, once }]) => {
      const view = once && deduplicated ? `${table}_deduplicated` : table;
      return `${name} AS (SELECT * FROM ${view}${where})`;
    });
  return `WITH ${relations.join(',\n')}\nSELECT * FROM (\n${sql}\n)`;
}
