import { MAX_DECISIONS_KEPT } from '../model/decisions.ts';
import { RUN_ENDS } from '../model/run.ts';
import { STEPS, type Step } from '../model/step.ts';
import { MAX_SKIPPED_KEPT } from '../model/skipped.ts';
import type { Column, Table } from './table.ts';

const COUNTS: readonly { suffix: string; type: 'long' | 'double'; meaning: string }[] = [
  { suffix: 'records_in', type: 'long', meaning: 'records read by' },
  { suffix: 'records_out', type: 'long', meaning: 'records written by' },
  { suffix: 'quarantined', type: 'long', meaning: 'records quarantined by' },
  { suffix: 'bytes', type: 'long', meaning: 'bytes written by' },
  { suffix: 'seconds', type: 'double', meaning: 'seconds spent in' },
];

/** Returns the columns with the counts of a step, as `fetch_records_in`. */
export function stepColumns(step: Step): Column[] {
  return COUNTS.map(({ suffix, type, meaning }) => ({
    name: `${step}_${suffix}`,
    type,
    meaning: `The ${meaning} the step ${step}.`,
  }));
}

/** The ended runs that landed something or in which a person made a decision. */
export const runs: Table = {
  name: 'runs',
  row: 'one completed run that landed something or in which a person decided, with its counts and the content’s hash',
  columns: [
    { name: 'workflow_id', type: 'string', meaning: 'Temporal’s workflow id of the run.' },
    { name: 'run_id', type: 'string', meaning: 'Temporal’s run id.' },
    {
      name: 'kafka_topic',
      type: 'string',
      meaning: 'The topic of the run’s source; null if the run ended before its fetch.',
    },
    { name: 'outcome', type: 'string', meaning: `The run’s outcome: ${RUN_ENDS.join(', ')}.` },
    { name: 'started_at', type: 'timestamp', meaning: 'Time at which the run started (UTC).' },
    { name: 'finished_at', type: 'timestamp', meaning: 'Time at which the run ended (UTC).' },
    {
      name: 'interval_from',
      type: 'string',
      meaning: 'Start of the requested interval; null if none was requested.',
    },
    {
      name: 'interval_to',
      type: 'string',
      meaning: 'End of the requested interval; null if none was requested.',
    },
    {
      name: 'content_sha256',
      type: 'string',
      meaning: 'SHA-256 of the fetched content; null without a fetch.',
    },
    { name: 'content_bytes', type: 'long', meaning: 'Bytes of the fetched content, decompressed.' },
    { name: 'content_records', type: 'long', meaning: 'Records of the fetched content.' },
    { name: 'batches', type: 'long', meaning: 'Batches that the run landed.' },
    {
      name: 'gaps',
      type: 'long',
      meaning: 'Offsets without a message: transaction markers and aborted messages.',
    },
    {
      name: 'offsets',
      type: 'string',
      meaning: 'The offsets [start, end) that the run landed: a JSON array of {"partition", "start", "end"}.',
    },
    {
      name: 'skipped',
      type: 'string',
      meaning:
        `The latest ${MAX_SKIPPED_KEPT} skips: chunks and batches, or limits (QUARANTINE_LIMIT, NOTHING_GOOD), which omit no records: ` +
        'a JSON array of {"step", "what", "code"}.',
    },
    { name: 'skipped_count', type: 'long', meaning: 'Number of skips.' },
    {
      name: 'decisions',
      type: 'string',
      meaning:
        `The latest ${MAX_DECISIONS_KEPT} decisions: a JSON array of ` +
        '{"decision", "step", "what", "code", "by", "reason", "at"}; by and reason are null if not given.',
    },
    { name: 'decision_count', type: 'long', meaning: 'Number of decisions.' },
    {
      name: 'unknown_fields',
      type: 'string',
      meaning:
        'Occurrences of each unknown field, for the most frequent ones: a JSON object by path. The counts are lower bounds if there are other fields.',
    },
    {
      name: 'other_unknown_fields',
      type: 'long',
      meaning: 'Occurrences of the other unknown fields.',
    },
    ...STEPS.flatMap(stepColumns),
    {
      name: 'erased',
      type: 'long',
      meaning: 'Messages of erased persons, which the run dropped; null if there were none.',
    },
  ],
  select: 'SELECT * FROM runs',
};
