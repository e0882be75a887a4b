import { sqlText } from '../../adapters/duckdb/database.ts';
import { findQuestionSql } from '../query/questions.ts';
import { columnChart, rankChart } from './charts.ts';
import type { Formats } from './formats.ts';
import type { Markup } from './html.ts';
import {
  ATTEMPTS,
  EXAM,
  numberCell,
  sumOf,
  textCell,
  type ReportColumn,
  type ReportPart,
  type ResultRow,
  type Section,
} from './part.ts';

const PEOPLE: ReportColumn = { name: 'people', head: 'People', format: 'count' };

const TAKEN = `SELECT exam_name, count(*) AS attempts, count(DISTINCT user_exam_id) AS people
FROM attempt GROUP BY ALL`;

const overview: ReportPart = {
  name: 'overview',
  isOneRow: true,
  title: 'How many exams were taken, and by how many people?',
  sql: findQuestionSql('overview'),
  says: ([row], f) =>
    `${f.count(numberCell(row, 'exams'))} times an exam was taken, by ${f.count(numberCell(row, 'users'))} people, ` +
    `between ${f.time(textCell(row, 'first_started_at'))} and ${f.time(textCell(row, 'last_started_at'))}.`,
  note: 'A person is an enrolment (user_exam_id): the source does not identify people across enrolments.',
  columns: [
    { name: 'exams', head: 'Exams taken', format: 'count' },
    { name: 'exam_names', head: 'Exams by name', format: 'count' },
    { name: 'base_exam_ids', head: 'Exams by id', format: 'count' },
    { name: 'users', head: 'People', format: 'count' },
    { name: 'first_started_at', head: 'First start', format: 'time' },
    { name: 'last_started_at', head: 'Last start', format: 'time' },
  ],
};

const examsPerPerson: ReportPart = {
  name: 'exams_per_user',
  title: 'How many exams does a person take?',
  sql: findQuestionSql('exams_per_user'),
  says: ([row], f) =>
    `${f.decimal(numberCell(row, 'mean'))} in the mean, ${f.count(numberCell(row, 'median'))} in the median, ` +
    `${f.count(numberCell(row, 'max'))} at most.`,
  columns: [
    { name: 'mean', head: 'Mean', format: 'decimal' },
    { name: 'median', head: 'Median', format: 'decimal' },
    { name: 'max', head: 'Most', format: 'count' },
  ],
};

/** The attempts by source. */
export const SOURCES: ReportPart = {
  name: 'sources',
  title: 'Which sources do they come from?',
  sql: `SELECT source, count(*) AS attempts, count(DISTINCT exam_name) AS exam_names,
  count(DISTINCT user_exam_id) AS people, min(started_at) AS first_started_at, max(started_at) AS last_started_at
FROM attempt GROUP BY ALL ORDER BY attempts DESC, source`,
  says: (rows, f) =>
    rows.length === 1
      ? `All of them come from ${textCell(rows[0], 'source')}.`
      : `They come from ${rows.length} sources; most of them, ${f.count(numberCell(rows[0], 'attempts'))}, ` +
        `from ${textCell(rows[0], 'source')}.`,
  columns: [
    { name: 'source', head: 'Source', format: 'text' },
    ATTEMPTS,
    { name: 'exam_names', head: 'Exams by name', format: 'count' },
    PEOPLE,
    { name: 'first_started_at', head: 'First start', format: 'time' },
    { name: 'last_started_at', head: 'Last start', format: 'time' },
  ],
};

/** The number of rows in the tables. */
export const ROWS: ReportPart = {
  name: 'rows',
  isOneRow: true,
  title: 'How much do the tables hold of them?',
  sql: `SELECT (SELECT count(*) FROM attempt) AS attempts, (SELECT count(*) FROM question) AS questions,
  count(*) AS options, count(*) FILTER (checked) AS options_checked,
  count(*) FILTER (correct) AS options_correct, count("at") AS options_at
FROM option`,
  says: ([row], f) =>
    `${f.count(numberCell(row, 'questions'))} questions were put, with ${f.count(numberCell(row, 'options'))} options; ` +
    `${f.count(numberCell(row, 'options_checked'))} of these were checked.`,
  columns: [
    { name: 'attempts', head: 'Attempts', format: 'count' },
    { name: 'questions', head: 'Questions', format: 'count' },
    { name: 'options', head: 'Options', format: 'count' },
    { name: 'options_checked', head: 'Options checked', format: 'count' },
    { name: 'options_correct', head: 'Options that are right', format: 'count' },
    { name: 'options_at', head: 'Options with a time', format: 'count' },
  ],
};

const mostTaken: ReportPart = {
  name: 'most_taken',
  title: 'Which exams are taken most?',
  sql: `${TAKEN} ORDER BY attempts DESC, exam_name LIMIT 30`,
  says: ([first], f) =>
    `${textCell(first, 'exam_name')}: ${f.count(numberCell(first, 'attempts'))} times, by ` +
    `${f.count(numberCell(first, 'people'))} people.`,
  chart: (rows, f) => takenChart('most', rows, f),
  columns: [EXAM, ATTEMPTS, PEOPLE],
};

const leastTaken: ReportPart = {
  name: 'least_taken',
  title: 'Which exams are taken least?',
  sql: `${TAKEN} ORDER BY attempts, exam_name LIMIT 30`,
  says: (rows, f) => {
    const least = numberCell(rows[0], 'attempts');
    const names = rows.filter((row) => numberCell(row, 'attempts') === least);
    const times = least === 1 ? 'once' : `${f.count(least)} times`;
    return names.length === rows.length && rows.length > 1
      ? `At least ${rows.length} exams were taken only ${times}.`
      : `${names.length} ${names.length === 1 ? 'was' : 'were'} taken only ${times}: ` +
          `${names.map((row) => textCell(row, 'exam_name')).join('; ')}.`;
  },
  chart: (rows, f) => takenChart('least', rows, f),
  columns: [EXAM, ATTEMPTS, PEOPLE],
};

const startsByHour: ReportPart = {
  name: 'starts_by_hour',
  title: 'At which hour of the day do people start?',
  sql: ({ timeZone }) => `SELECT hours.hour, count(started_at) AS attempts
FROM (SELECT unnest(range(24)) AS hour) AS hours
LEFT JOIN attempt ON hour(timezone(${sqlText(timeZone)}, started_at)) = hours.hour
GROUP BY ALL ORDER BY hours.hour`,
  says: (rows, f) => {
    const most = mostOf(rows);
    const hour = numberCell(most, 'hour');
    const share = numberCell(most, 'attempts') / sumOf(rows, 'attempts');
    return `Most start between ${hour}:00 and ${hour + 1}:00 (${f.timeZone}): ${f.count(numberCell(most, 'attempts'))}, ${f.share(share)} of all.`;
  },
  chart: (rows, f) =>
    columnChart({
      title: 'Exams started in each hour of the day',
      across: `hour of the day, ${f.timeZone}`,
      up: 'exams started',
      columns: rows.map((row) => ({
        label: String(numberCell(row, 'hour')),
        value: numberCell(row, 'attempts'),
        hint: `${numberCell(row, 'hour')}:00: ${f.count(numberCell(row, 'attempts'))}`,
      })),
      everyNarrow: 3,
    }),
  columns: [{ name: 'hour', head: 'Hour', format: 'count' }, ATTEMPTS],
};

const lengths: ReportPart = {
  name: 'attempts_by_exam_length',
  title: 'How long are the exams that are taken?',
  sql: findQuestionSql('attempts_by_exam_length'),
  says: (rows, f) => {
    const most = mostOf(rows);
    if (most === undefined) return 'No attempt has counts of questions.';
    const share = numberCell(most, 'attempts') / sumOf(rows, 'attempts');
    return `Most often ${numberCell(most, 'questions')} questions: ${f.count(numberCell(most, 'attempts'))} times, ${f.share(share)} of all.`;
  },
  chart: (rows, f) =>
    columnChart({
      title: 'Exams taken, by number of questions',
      across: 'questions of the exam',
      up: 'times taken',
      columns: rows.map((row) => ({
        label: String(numberCell(row, 'questions')),
        value: numberCell(row, 'attempts'),
        hint: `${numberCell(row, 'questions')} questions: ${f.count(numberCell(row, 'attempts'))}`,
      })),
    }),
  columns: [{ name: 'questions', head: 'Questions', format: 'count' }, ATTEMPTS],
};

const questionsPerExam: ReportPart = {
  name: 'questions_per_exam',
  title: 'How many questions has an exam?',
  sql: findQuestionSql('questions_per_exam'),
  says: ([row], f) =>
    numberCell(row, 'exams_with_counts') === 0
      ? 'No attempt has counts of questions.'
      : `${f.decimal(numberCell(row, 'mean'))} in the mean, from ${numberCell(row, 'min')} to ${numberCell(row, 'max')}.`,
  note: 'Over the attempts with counts of questions.',
  columns: [
    { name: 'exams_with_counts', head: 'Attempts with counts', format: 'count' },
    { name: 'mean', head: 'Mean', format: 'decimal' },
    { name: 'min', head: 'Fewest', format: 'count' },
    { name: 'max', head: 'Most', format: 'count' },
  ],
};

function takenChart(which: 'most' | 'least', rows: readonly ResultRow[], f: Formats): Markup {
  return rankChart({
    title: `The ${rows.length} exams that are taken ${which}`,
    bars: rows.map((row) => {
      const value = numberCell(row, 'attempts');
      return { label: textCell(row, 'exam_name'), value, shown: f.count(value) };
    }),
  });
}

/** Returns the row with the most attempts. */
function mostOf(rows: readonly ResultRow[]): ResultRow | undefined {
  return [...rows].sort((a, b) => numberCell(b, 'attempts') - numberCell(a, 'attempts'))[0];
}

/** The section with totals. */
export const OVERVIEW: Section = {
  name: 'overview-section',
  title: 'Exams and people',
  parts: [overview, examsPerPerson],
};

/** The section about which exams are taken, and when. */
export const TAKEN_SECTION: Section = {
  name: 'taken-section',
  title: 'What is taken, and when',
  parts: [mostTaken, leastTaken, startsByHour, lengths, questionsPerExam],
};
