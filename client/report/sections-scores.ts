import { findQuestionSql } from '../query/questions.ts';
import { columnChart, intervalChart, rankChart, smallHistogram } from './charts.ts';
import type { Formats } from './formats.ts';
import { html, type Markup } from './html.ts';
import {
  ATTEMPTS,
  EXAM,
  examLabel,
  numberCell,
  stepReportColumns,
  sumOf,
  textCell,
  type ReportColumn,
  type ReportPart,
  type ResultRow,
  type Section,
} from './part.ts';

/** The minimum number of attempts for a meaningful histogram. */
export const MIN_HISTOGRAM_ATTEMPTS = 20;

/** The condition for an attempt to have a score: it has counts, and at least one question. */
const SCORED = 'total > 0 AND correct IS NOT NULL';

const MEAN: ReportColumn = { name: 'mean_score', head: 'Mean score', format: 'share' };

/** The labels of the bins of a score; the last bin includes 100%. */
const STEP_LABELS = Array.from(
  { length: 10 },
  (_, step) => `${step * 10}–${step === 9 ? 100 : step * 10 + 9}%`,
);

const scores: ReportPart = {
  name: 'scores',
  title: 'How well do people do?',
  sql: `SELECT least(10::BIGINT * correct // total, 9) AS step, count(*) AS attempts,
  sum(correct / total) AS score_sum, count(*) FILTER (all_correct) AS all_correct
FROM attempt WHERE ${SCORED} GROUP BY ALL ORDER BY step`,
  says: (rows, f) => {
    if (rows.length === 0) return 'No attempt has a score.';
    const attempts = sumOf(rows, 'attempts');
    const perfect = sumOf(rows, 'all_correct');
    return (
      `${f.share(sumOf(rows, 'score_sum') / attempts)} of an exam’s questions are answered right in the mean. ` +
      `${f.count(perfect)} attempts, ${f.share(perfect / attempts)}, have all of them right.`
    );
  },
  note: 'A score is the share of the exam’s questions that were answered correctly. Step 9 is from 90% to 100%, inclusive.',
  chart: (rows, f) =>
    columnChart({
      title: 'Attempts by their score, in steps of ten percent',
      across: 'score',
      up: 'attempts',
      columns: stepReportColumns(rows, STEP_LABELS, f),
      turned: true,
    }),
  columns: [
    { name: 'step', head: 'Step', format: 'count' },
    ATTEMPTS,
    { name: 'score_sum', head: 'Sum of scores', format: 'decimal' },
    { name: 'all_correct', head: 'All right', format: 'count' },
  ],
};

const scoresByExam: ReportPart = {
  name: 'scores_by_exam',
  title: 'How are the scores of each exam spread?',
  sql: `SELECT exam_name, count(*) AS attempts, avg(score) AS mean_score, median(score) AS median_score,
  stddev_samp(score) AS deviation, ${binCounts()}
FROM (SELECT exam_name, correct / total AS score, least(10::BIGINT * correct // total, 9) AS step FROM attempt WHERE ${SCORED})
GROUP BY ALL HAVING count(*) >= ${MIN_HISTOGRAM_ATTEMPTS} ORDER BY attempts DESC, exam_name`,
  says: (rows) =>
    rows.length === 0
      ? `No exam was taken ${MIN_HISTOGRAM_ATTEMPTS} times.`
      : `${rows.length} exams were taken ${MIN_HISTOGRAM_ATTEMPTS} times or more. Each picture has all scores of one, from 0% to 100%; its columns are as high as that exam’s most frequent score.`,
  note: 'Each column of the table counts the attempts with a score from its percentage to the next; the last includes 100%.',
  chart: (rows, f) =>
    html`<ul class="histograms">
      ${rows.map((row) => histogramOf(row, f))}
    </ul>`,
  columns: [
    EXAM,
    ATTEMPTS,
    MEAN,
    { name: 'median_score', head: 'Median', format: 'share' },
    { name: 'deviation', head: 'Standard deviation', format: 'share' },
    ...Array.from({ length: 10 }, (_, step): ReportColumn => {
      return { name: `from_${step * 10}`, head: `${step * 10}%`, format: 'count' };
    }),
  ],
};

const hardestExams: ReportPart = {
  name: 'hardest_exams',
  title: 'Which exams are the hardest?',
  sql: `WITH exam AS (
  SELECT exam_name, count(*) AS attempts, avg(correct / total) AS mean_score, var_samp(correct / total) AS variance
  FROM attempt WHERE ${SCORED} GROUP BY ALL),
whole AS (
  SELECT count(*) AS exams, sum(attempts * mean_score) / sum(attempts) AS overall,
    sum((attempts - 1) * variance) / nullif(sum(attempts - 1), 0) AS within_exams,
    sum(attempts) - sum(attempts * attempts) / sum(attempts) AS evenness
  FROM exam),
spread AS (
  SELECT overall, within_exams, greatest(0,
    (SELECT sum(attempts * (mean_score - overall) ^ 2) FROM exam) - (exams - 1) * within_exams)
      / nullif(evenness, 0) AS between_exams
  FROM whole),
estimate AS (
  SELECT exam_name, attempts, mean_score,
    coalesce((between_exams * mean_score + within_exams / attempts * overall)
      / nullif(between_exams + within_exams / attempts, 0), mean_score) AS likely_score,
    sqrt(coalesce(between_exams * within_exams / nullif(attempts * between_exams + within_exams, 0),
      within_exams / attempts)) AS error
  FROM exam, spread WHERE within_exams IS NOT NULL)
SELECT exam_name, attempts, mean_score, likely_score,
  greatest(0, likely_score - 1.96 * error) AS low, least(1, likely_score + 1.96 * error) AS high,
  (SELECT 0.5 + sum(1 / (1 + exp(1.702 * (other.likely_score - this.likely_score)
      / greatest(sqrt(other.error ^ 2 + this.error ^ 2), 1e-9)))) FROM estimate AS other) AS expected_place,
  (SELECT count(*) FROM estimate) AS exams
FROM estimate AS this ORDER BY expected_place, exam_name LIMIT 30`,
  says: (rows, f) => {
    const [first] = rows;
    if (first === undefined) return 'No exam was taken twice, so means have no interval.';
    return (
      `${textCell(first, 'exam_name')}, as far as its ${f.count(numberCell(first, 'attempts'))} attempts can tell: ` +
      `its mean score is likely ${boundsOf(first, f)}, and its expected rank among the ` +
      `${f.count(numberCell(first, 'exams'))} exams is ${f.decimal(numberCell(first, 'expected_place'))}.`
    );
  },
  note:
    'The mean of few attempts is unreliable. So each mean is shrunk towards the mean of all attempts, more so for fewer attempts ' +
    '(empirical Bayes, from the variance within and between exams), and has a 95% interval. ' +
    'Exams are sorted by expected rank: one, plus for each other exam the probability that it is harder. ' +
    'An exam with few attempts is first only if there is little doubt. In brackets: the number of attempts.',
  chart: (rows, f) =>
    intervalChart({
      title: `The ${rows.length} hardest exams: the likely mean score with its 95% interval`,
      across: 'likely mean score, %',
      intervals: rows.map((row) => intervalOf(row, examLabel(row, f), 'likely_score', f)),
    }),
  columns: [
    EXAM,
    ATTEMPTS,
    MEAN,
    { name: 'likely_score', head: 'Likely mean', format: 'share' },
    { name: 'low', head: 'From', format: 'share' },
    { name: 'high', head: 'To', format: 'share' },
    { name: 'expected_place', head: 'Expected place', format: 'decimal' },
  ],
};

const fourQuestions: ReportPart = {
  name: 'four_question_exams',
  title: 'How many exams have four questions?',
  sql: findQuestionSql('four_question_exams'),
  says: ([row], f) =>
    `${f.count(numberCell(row, 'attempts'))} attempts at ${f.count(numberCell(row, 'exam_names'))} exams; ` +
    `${f.count(numberCell(row, 'names_with_20_or_more'))} of these were taken 20 times or more.`,
  columns: [
    ATTEMPTS,
    { name: 'exam_names', head: 'Exams', format: 'count' },
    { name: 'names_with_20_or_more', head: 'Taken 20 times or more', format: 'count' },
  ],
};

const lowestFour: ReportPart = {
  name: 'lowest_mean_score_4q_20plus',
  title: 'Which of them, taken 20 times or more, have the lowest mean score?',
  sql: findQuestionSql('lowest_mean_score_4q_20plus'),
  says: ([row], f) =>
    row === undefined
      ? 'None was taken 20 times.'
      : `${textCell(row, 'exam_name')}, with ${f.share(numberCell(row, 'mean_score'))} in ${f.count(numberCell(row, 'attempts'))} attempts.`,
  note: 'These are plain means, as in the first analysis of the attempts; the hardest exams above include the uncertainty.',
  columns: [EXAM, ATTEMPTS, MEAN],
};

const results: ReportPart = {
  name: 'results',
  title: 'How are questions answered?',
  sql: findQuestionSql('results'),
  says: (rows, f) => {
    const all = sumOf(rows, 'questions');
    const right = rows.find((row) => row['user_result'] === 'correct');
    return right === undefined
      ? 'No question was answered right.'
      : `${f.count(numberCell(right, 'questions'))} of ${f.count(all)} are answered right, ${f.share(numberCell(right, 'questions') / all)}.`;
  },
  chart: (rows, f) => {
    const all = sumOf(rows, 'questions');
    const sorted = [...rows].sort((a, b) => numberCell(b, 'questions') - numberCell(a, 'questions'));
    return rankChart({
      title: 'Questions by how they are answered',
      bars: sorted.map((row) => ({
        label: textCell(row, 'user_result').replaceAll('_', ' '),
        value: numberCell(row, 'questions'),
        shown: f.share(numberCell(row, 'questions') / all),
      })),
    });
  },
  columns: [
    { name: 'user_result', head: 'Result', format: 'text' },
    { name: 'questions', head: 'Questions', format: 'count' },
  ],
};

const hardestQuestions: ReportPart = {
  name: 'hardest_questions',
  title: 'Which questions are the hardest?',
  sql: `WITH answered AS (
  SELECT question_id, string_agg(DISTINCT exam_name, '; ' ORDER BY exam_name) AS exam_name, count(*) AS answers,
    count(*) FILTER (user_result = 'correct') / count(*) AS share
  FROM question JOIN attempt USING (kafka_topic, kafka_partition, kafka_offset)
  WHERE user_result IS NOT NULL GROUP BY question_id HAVING count(*) >= ${MIN_HISTOGRAM_ATTEMPTS}),
wilson AS (
  SELECT *, (share + 1.96 ^ 2 / (2 * answers)) / (1 + 1.96 ^ 2 / answers) AS middle,
    1.96 * sqrt(share * (1 - share) / answers + 1.96 ^ 2 / (4 * answers ^ 2)) / (1 + 1.96 ^ 2 / answers) AS margin
  FROM answered)
SELECT exam_name, question_id, answers, share, middle - margin AS low, middle + margin AS high
FROM wilson ORDER BY high, question_id LIMIT 30`,
  says: ([row], f) =>
    row === undefined
      ? `No question was asked ${MIN_HISTOGRAM_ATTEMPTS} times.`
      : `One of ${textCell(row, 'exam_name')}: ${f.share(numberCell(row, 'share'))} of ${f.count(numberCell(row, 'answers'))} answer it right, ` +
        `likely ${boundsOf(row, f)} of all who will.`,
  note:
    `Over the questions that were asked ${MIN_HISTOGRAM_ATTEMPTS} times or more and have a result, with their 95% Wilson intervals, ` +
    'sorted by the upper ends. The source has only ids of questions, which the chart truncates.',
  chart: (rows, f) =>
    intervalChart({
      title: `The ${rows.length} hardest questions: the share answered right with its 95% interval`,
      across: 'answered right, %',
      intervals: rows.map((row) => {
        const id = textCell(row, 'question_id').slice(0, 8);
        return intervalOf(row, `${textCell(row, 'exam_name')}, ${id}`, 'share', f);
      }),
    }),
  columns: [
    EXAM,
    { name: 'question_id', head: 'Question', format: 'code' },
    { name: 'answers', head: 'Times put', format: 'count' },
    { name: 'share', head: 'Answered right', format: 'share' },
    { name: 'low', head: 'From', format: 'share' },
    { name: 'high', head: 'To', format: 'share' },
  ],
};

/** Returns SQL that counts the attempts in each bin. */
function binCounts(): string {
  const counts = Array.from(
    { length: 10 },
    (_, step) => `count(*) FILTER (step = ${step}) AS from_${step * 10}`,
  );
  return `\n  ${counts.join(',\n  ')}`;
}

function histogramOf(row: ResultRow, f: Formats): Markup {
  const name = textCell(row, 'exam_name');
  const bins = Array.from({ length: 10 }, (_, from) => ({
    from,
    attempts: numberCell(row, `from_${from * 10}`),
  }));
  return html`<li>
    <h4>${name}</h4>
    <p>
      ${f.count(numberCell(row, 'attempts'))} attempts, mean
      <strong>${f.share(numberCell(row, 'mean_score'))}</strong>
    </p>
    ${smallHistogram(`Scores of ${name}`, bins)}
  </li>`;
}

function intervalOf(row: ResultRow, label: string, value: string, f: Formats) {
  const [low, high] = [numberCell(row, 'low'), numberCell(row, 'high')];
  return { label, value: numberCell(row, value), low, high, shown: boundsOf(row, f) };
}

function boundsOf(row: ResultRow, f: Formats): string {
  return `between ${f.share(numberCell(row, 'low'))} and ${f.share(numberCell(row, 'high'))}`;
}

/** The section about scores, in total and by exam. */
export const SCORES_SECTION: Section = {
  name: 'scores-section',
  title: 'Scores',
  parts: [scores, scoresByExam, hardestExams, fourQuestions, lowestFour],
};

/** The section about questions. */
export const QUESTIONS_SECTION: Section = {
  name: 'questions-section',
  title: 'Questions',
  parts: [results, hardestQuestions],
};
