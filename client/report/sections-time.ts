import { columnChart, intervalChart } from './charts.ts';
import type { Formats } from './formats.ts';
import {
  ATTEMPTS,
  EXAM,
  examLabel,
  numberCell,
  stepReportColumns,
  sumOf,
  textCell,
  type ReportPart,
  type Section,
} from './part.ts';
import { MIN_HISTOGRAM_ATTEMPTS } from './sections-scores.ts';

/** The seconds from the start of each attempt to the last change of an option; null if no option has a time. */
const TIMED = `WITH timed AS (
  SELECT any_value(exam_name) AS exam_name, any_value(started_at) AS started_at, count(DISTINCT question_position) AS questions,
    epoch(max("at") - any_value(started_at)) AS seconds
  FROM option JOIN attempt USING (kafka_topic, kafka_partition, kafka_offset)
  GROUP BY kafka_topic, kafka_partition, kafka_offset)`;

/** Tukey's outer fence: the upper quartile plus three times the interquartile range. */
const FENCE = `quantile_cont(seconds, 0.75) + 3 * (quantile_cont(seconds, 0.75) - quantile_cont(seconds, 0.25))`;

/** The lower bounds of the bins in seconds; each bin is about twice as long as the previous one. */
const BOUNDS = [0, 15, 30, 60, 120, 240, 480, 900, 1800, 3600, 7200, 14_400] as const;

const LABELS = [
  ...['before', '0 s', '15 s', '30 s', '1 min', '2 min', '4 min', '8 min', '15 min', '30 min'],
  ...['1 h', '2 h', '4 h'],
] as const;

/** Describes the attempts that end before they start, if any. */
function beforeStart(attempts: number, formats: Formats): string {
  return attempts === 0
    ? ''
    : ` ${formats.count(attempts)} end before they started: the clocks of two machines.`;
}

const time: ReportPart = {
  name: 'time',
  isOneRow: true,
  title: 'How long does a person take for an exam?',
  sql: `${TIMED}, fence AS (SELECT ${FENCE} AS seconds FROM timed WHERE seconds >= 0)
SELECT count(*) AS attempts, count(seconds) AS timed, count(*) FILTER (seconds < 0) AS before_start,
  min(seconds) AS least, quantile_cont(seconds, 0.25) AS quarter, median(seconds) AS median,
  quantile_cont(seconds, 0.75) AS three_quarters, quantile_cont(seconds, 0.95) AS nineteen_of_twenty,
  max(seconds) AS most, (SELECT seconds FROM fence) AS fence,
  count(*) FILTER (seconds > (SELECT seconds FROM fence)) AS beyond_fence
FROM timed`,
  says: ([row], f) =>
    row === undefined || numberCell(row, 'timed') === 0
      ? 'No option has a time.'
      : `Half of them take ${f.duration(numberCell(row, 'median'))} or less; the middle half between ` +
        `${f.duration(numberCell(row, 'quarter'))} and ${f.duration(numberCell(row, 'three_quarters'))}. ` +
        `${f.count(numberCell(row, 'beyond_fence'))} are far out, beyond ${f.duration(numberCell(row, 'fence'))}.` +
        beforeStart(numberCell(row, 'before_start'), f),
  note:
    'From the start of the attempt to the last change of one of its options. A person may leave an exam open and come back; ' +
    'so the median tells more than the mean. Far out is what lies more than three times the width of the middle half above it (Tukey).',
  columns: [
    { name: 'timed', head: 'With a time', format: 'count' },
    { name: 'least', head: 'Least', format: 'duration' },
    { name: 'quarter', head: 'A quarter below', format: 'duration' },
    { name: 'median', head: 'Median', format: 'duration' },
    { name: 'three_quarters', head: 'Three quarters below', format: 'duration' },
    { name: 'nineteen_of_twenty', head: '95% below', format: 'duration' },
    { name: 'most', head: 'Most', format: 'duration' },
    { name: 'fence', head: 'Far out beyond', format: 'duration' },
    { name: 'beyond_fence', head: 'Far out', format: 'count' },
    { name: 'before_start', head: 'Before the start', format: 'count' },
  ],
};

const distribution: ReportPart = {
  name: 'time_distribution',
  title: 'How are these times spread?',
  sql: `${TIMED}
SELECT len(list_filter([${BOUNDS.join(', ')}], lambda bound: bound <= seconds))::INTEGER AS step, count(*) AS attempts
FROM timed WHERE seconds IS NOT NULL GROUP BY ALL ORDER BY step`,
  says: (rows, f) => {
    if (rows.length === 0) return 'No option has a time.';
    const long = rows.filter((row) => numberCell(row, 'step') > BOUNDS.indexOf(3600));
    return `${f.count(sumOf(rows, 'attempts') - sumOf(long, 'attempts'))} end within an hour, ${f.count(sumOf(long, 'attempts'))} after more.`;
  },
  note: 'Each column begins at its label and ends where the next begins, at about twice the duration; “before” are attempts that ended before they started. In the table, step 0 is “before”, step 1 from 0 s to 15 s, and so on.',
  chart: (rows, f) =>
    columnChart({
      title: 'Attempts by the time from their start to the last change of an option',
      across: 'time taken, from',
      up: 'attempts',
      columns: stepReportColumns(rows, LABELS, f),
      turned: true,
    }),
  columns: [
    { name: 'step', head: 'Step', format: 'count' },
    { name: 'attempts', head: 'Attempts', format: 'count' },
  ],
};

const slowest: ReportPart = {
  name: 'time_by_exam',
  title: 'Which exams take the most time?',
  sql: `${TIMED}
SELECT exam_name, count(*) AS attempts, avg(questions) AS questions, quantile_cont(seconds, 0.25) AS quarter,
  median(seconds) AS median, quantile_cont(seconds, 0.75) AS three_quarters
FROM timed WHERE seconds IS NOT NULL
GROUP BY ALL HAVING count(*) >= ${MIN_HISTOGRAM_ATTEMPTS} ORDER BY median DESC, exam_name LIMIT 30`,
  says: ([row], f) =>
    row === undefined
      ? `No exam was taken ${MIN_HISTOGRAM_ATTEMPTS} times.`
      : `${textCell(row, 'exam_name')}: half take more than ${f.duration(numberCell(row, 'median'))}.`,
  note: `Over the exams taken ${MIN_HISTOGRAM_ATTEMPTS} times or more. The lines are the middle half of the durations, the dots their medians.`,
  chart: (rows, f) => {
    const most = Math.max(1, ...rows.map((row) => numberCell(row, 'three_quarters') / 60));
    return intervalChart({
      title: `The ${rows.length} exams that take the most time: median and middle half`,
      across: 'minutes',
      format: { domain: [0, most], nice: true },
      intervals: rows.map((row) => ({
        label: examLabel(row, f),
        value: numberCell(row, 'median') / 60,
        low: numberCell(row, 'quarter') / 60,
        high: numberCell(row, 'three_quarters') / 60,
        shown: f.duration(numberCell(row, 'median')),
      })),
    });
  },
  columns: [
    EXAM,
    ATTEMPTS,
    { name: 'questions', head: 'Questions, mean', format: 'decimal' },
    { name: 'quarter', head: 'A quarter below', format: 'duration' },
    { name: 'median', head: 'Median', format: 'duration' },
    { name: 'three_quarters', head: 'Three quarters below', format: 'duration' },
  ],
};

const longest: ReportPart = {
  name: 'time_outliers',
  title: 'Which attempts took the longest?',
  sql: `${TIMED}
SELECT exam_name, started_at, seconds FROM timed WHERE seconds IS NOT NULL ORDER BY seconds DESC, started_at LIMIT 10`,
  says: ([row], f) =>
    row === undefined
      ? 'No option has a time.'
      : `One of ${textCell(row, 'exam_name')}, with ${f.duration(numberCell(row, 'seconds'))}.`,
  columns: [
    EXAM,
    { name: 'started_at', head: 'Started', format: 'time' },
    { name: 'seconds', head: 'Time taken', format: 'duration' },
  ],
};

/** The section about durations. */
export const TIME_SECTION: Section = {
  name: 'time-section',
  title: 'Time',
  parts: [time, distribution, slowest, longest],
};
