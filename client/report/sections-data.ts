import { sqlText } from '../../adapters/duckdb/database.ts';
import { STEPS } from '../../model/step.ts';
import { PATH_KIND, REASON_KIND } from '../../tables/quarantine.ts';
import {
  EXAM,
  numberCell,
  sumOf,
  textCell,
  type ReportColumn,
  type ReportPart,
  type Section,
} from './part.ts';
import { ROWS, SOURCES } from './sections-attempts.ts';

const SOURCE: ReportColumn = { name: 'source', head: 'Source', format: 'text' };

const MAX_RUNS = 50;

const redeliveries: ReportPart = {
  name: 'redeliveries',
  isOneRow: true,
  title: 'What was delivered more than once?',
  sql: `SELECT count(*) AS deliveries, count(DISTINCT (source, keen_id)) AS attempts,
  count(*) - count(DISTINCT (source, keen_id)) AS redeliveries,
  (SELECT count(*) FROM (SELECT 1 FROM delivered GROUP BY source, keen_id HAVING count(*) > 1)) AS attempts_redelivered
FROM delivered`,
  says: ([row], f) => {
    const again = numberCell(row, 'redeliveries');
    return again === 0
      ? 'Nothing: each attempt was delivered once.'
      : `${f.count(numberCell(row, 'attempts_redelivered'))} attempts came more than once, which makes ` +
          `${f.count(again)} of the ${f.count(numberCell(row, 'deliveries'))} deliveries redundant, ${f.share(again / numberCell(row, 'deliveries'))}.`;
  },
  note: 'Deliveries of one attempt have the same keen_id. In deduplicated figures the first delivery counts.',
  columns: [
    { name: 'deliveries', head: 'Deliveries', format: 'count' },
    { name: 'attempts', head: 'Attempts', format: 'count' },
    { name: 'redeliveries', head: 'Redundant', format: 'count' },
    { name: 'attempts_redelivered', head: 'Attempts redelivered', format: 'count' },
  ],
};

const mostRedelivered: ReportPart = {
  name: 'most_redelivered',
  title: 'Which attempts came most often?',
  sql: `SELECT keen_id, any_value(exam_name) AS exam_name, count(*) AS deliveries,
  min(published_at) AS first_published_at, max(published_at) AS last_published_at
FROM delivered GROUP BY source, keen_id HAVING count(*) > 1 ORDER BY deliveries DESC, keen_id LIMIT 20`,
  says: ([row], f) =>
    row === undefined
      ? 'None was delivered twice.'
      : `${textCell(row, 'keen_id')}, ${f.count(numberCell(row, 'deliveries'))} times.`,
  columns: [
    { name: 'keen_id', head: 'Attempt', format: 'code' },
    EXAM,
    { name: 'deliveries', head: 'Deliveries', format: 'count' },
    { name: 'first_published_at', head: 'First published', format: 'time' },
    { name: 'last_published_at', head: 'Last published', format: 'time' },
  ],
};

const quarantined: ReportPart = {
  name: 'quarantined',
  title: 'What could not become rows, and why?',
  sql: `SELECT source, step, ${PATH_KIND} AS path, ${REASON_KIND} AS reason,
  count(*) AS messages, count(again.replay_of) AS replayed
FROM refused LEFT JOIN (SELECT DISTINCT replay_of FROM replays) AS again ON again.replay_of = CASE WHEN refused.kafka_offset IS NULL
  THEN concat(refused.chunk, ':', refused.chunk_position)
  ELSE concat(refused.kafka_topic, '/', refused.kafka_partition, '/', refused.kafka_offset) END
GROUP BY ALL ORDER BY messages DESC, source, step, path, reason`,
  says: (rows, f) => {
    if (rows.length === 0) return 'Nothing: every message became rows.';
    const messages = sumOf(rows, 'messages');
    const left = messages - sumOf(rows, 'replayed');
    return `${f.count(messages)} messages, for ${rows.length === 1 ? 'one reason' : `${rows.length} reasons`}; ${f.count(left)} of them still wait to be published again.`;
  },
  note: 'pipeline quarantine list shows each of them, pipeline quarantine replay publishes them again.',
  columns: [
    SOURCE,
    { name: 'step', head: 'Step', format: 'text' },
    { name: 'path', head: 'Field', format: 'code' },
    { name: 'reason', head: 'Reason', format: 'text' },
    { name: 'messages', head: 'Messages', format: 'count' },
    { name: 'replayed', head: 'Published again', format: 'count' },
  ],
};

const missing: ReportPart = {
  name: 'missing',
  isOneRow: true,
  title: 'What does the source leave out?',
  sql: `SELECT count(*) FILTER (certification IS NULL) AS certification_null, count(*) FILTER (total IS NULL) AS counts_missing,
  (SELECT count(*) FROM question WHERE user_result IS NULL) AS questions_without_result
FROM attempt`,
  says: ([row], f) =>
    `${f.count(numberCell(row, 'counts_missing'))} attempts come without counts, so they have no score; ` +
    `${f.count(numberCell(row, 'questions_without_result'))} questions come without a result.`,
  columns: [
    { name: 'certification_null', head: 'Attempts without certification', format: 'count' },
    { name: 'counts_missing', head: 'Attempts without counts', format: 'count' },
    { name: 'questions_without_result', head: 'Questions without a result', format: 'count' },
  ],
};

const freshness: ReportPart = {
  name: 'freshness',
  title: 'How fresh is the data?',
  sql: ({
    now,
  }) => `SELECT source, max(started_at) AS last_started_at, max(published_at) AS last_published_at,
  max(finished_at) AS last_run_finished_at, epoch(${sqlText(now.toISOString())}::TIMESTAMPTZ - max(published_at)) AS age
FROM delivered LEFT JOIN (SELECT source, max(finished_at) AS finished_at FROM run WHERE outcome = 'landed' GROUP BY ALL) USING (source)
GROUP BY source ORDER BY source`,
  says: (rows, f) =>
    rows
      .map(
        (row) =>
          (row['age'] === null
            ? `No message of ${textCell(row, 'source')} has a timestamp; `
            : `The newest message of ${textCell(row, 'source')} was published ${f.duration(numberCell(row, 'age'))} before this page was made; `) +
          `its newest attempt started ${f.time(textCell(row, 'last_started_at'))}.`,
      )
      .join(' '),
  columns: [
    SOURCE,
    { name: 'last_started_at', head: 'Newest attempt started', format: 'time' },
    { name: 'last_published_at', head: 'Newest message published', format: 'time' },
    { name: 'last_run_finished_at', head: 'End of the last run that landed', format: 'time' },
    { name: 'age', head: 'Age of the newest message', format: 'duration' },
  ],
};

const runs: ReportPart = {
  name: 'runs',
  title: 'What did each run do?',
  sql: `SELECT workflow_id, run_id, source, started_at, epoch(finished_at - started_at) AS took, outcome,
  content_records, batches, gaps, ${STEPS.flatMap((step) => ['records_out', 'quarantined', 'seconds'].map((what) => `${step}_${what}`)).join(', ')}
FROM run ORDER BY started_at DESC, workflow_id LIMIT ${MAX_RUNS}`,
  says: (rows, f) => {
    const [last] = rows;
    if (last === undefined) return 'No completed run landed anything.';
    const how = last['outcome'] === 'landed' ? '' : `ended as ${textCell(last, 'outcome')}, and `;
    const landed = `${how}landed ${f.count(numberCell(last, 'land_records_out'))} records in ${f.duration(numberCell(last, 'took'))}`;
    if (rows.length === 1) return `There was one. It ${landed}.`;
    return `${rows.length === MAX_RUNS ? `These are the last ${MAX_RUNS}.` : `There were ${rows.length}.`} The last one ${landed}.`;
  },
  note: 'Without runs that found nothing new, unless a person decided in them. For each step: its records out, its quarantined records and its duration.',
  columns: [
    { name: 'workflow_id', head: 'Run', format: 'code' },
    SOURCE,
    { name: 'started_at', head: 'Started', format: 'time' },
    { name: 'took', head: 'Took', format: 'duration' },
    { name: 'outcome', head: 'Outcome', format: 'text' },
    { name: 'content_records', head: 'Records fetched', format: 'count' },
    { name: 'batches', head: 'Batches', format: 'count' },
    ...STEPS.flatMap((step): ReportColumn[] => [
      { name: `${step}_records_out`, head: `${step}: out`, format: 'count' },
      { name: `${step}_quarantined`, head: `${step}: quarantined`, format: 'count' },
      { name: `${step}_seconds`, head: `${step}: time`, format: 'duration' },
    ]),
  ],
};

/** The section about the origin and quality of the data. */
export const DATA_SECTION: Section = {
  name: 'data-section',
  title: 'The data itself',
  parts: [SOURCES, ROWS, freshness, redeliveries, mostRedelivered, missing, quarantined, runs],
};
