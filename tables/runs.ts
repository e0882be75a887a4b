import { MAX_DECISIONS_KEPT } from '../model/decisions.ts';
import { RUN_ENDS } from '../model/run.ts';
import { STEPS, type Step } from '../model/step.ts';
import { MAX_SKIPPED_KEPT } from '../model/skipped.ts';
import type { Column, Table } from './table.ts';

const COUNTS: readonly { suffix: string; type: 'long' | 'double'; meaning: string }[] = [
  { suffix: 'records_in', type: 'long', meaning: 'records that came into' },
  { suffix: 'records_out', type: 'long', meaning: 'records that came out of' },
  { suffix: 'quarantined', type: 'long', meaning: 'records quarantined by' },
  { suffix: 'bytes', type: 'long', meaning: 'bytes handled by' },
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
  row: 'one ended run that landed something or that a person told what to do, with its counts and the content’s hash',
  columns: [
    { name: 'workflow_id', type: 'string', meaning: 'Temporal’s workflow id of the run.' },
    { name: 'run_id', type: 'string', meaning: 'Temporal’s run id.' },
    {
      name: 'kafka_topic',
      type: 'string',
      meaning: 'The topic that the run went through; null where it ended before its fetch.',
    },
    { name: 'outcome', type: 'string', meaning: `How it ended: ${RUN_ENDS.join(', ')}.` },
    { name: 'started_at', type: 'timestamp', meaning: 'When the run started (UTC).' },
    { name: 'finished_at', type: 'timestamp', meaning: 'When the run ended (UTC).' },
    {
      name: 'interval_from',
      type: 'string',
      meaning: 'Beginning of the interval that was asked for; null for all.',
    },
    { name: 'interval_to', type: 'string', meaning: 'End of the interval that was asked for; null for all.' },
    {
      name: 'content_sha256',
      type: 'string',
      meaning: 'SHA-256 of the content fetched; null without a fetch.',
    },
    { name: 'content_bytes', type: 'long', meaning: 'Bytes of the content fetched, decoded.' },
    { name: 'content_records', type: 'long', meaning: 'Records of the content fetched.' },
    { name: 'batches', type: 'long', meaning: 'Batches that the run landed.' },
    {
      name: 'gaps',
      type: 'long',
      meaning: 'Offsets passed that held no message: transaction markers and aborted messages.',
    },
    {
      name: 'offsets',
      type: 'string',
      meaning: 'The offsets [start, end) that the run landed, a JSON array of {"partition", "start", "end"}.',
    },
    {
      name: 'skipped',
      type: 'string',
      meaning:
        `Chunks and batches that a person let the run skip, or limits (QUARANTINE_LIMIT, NOTHING_GOOD), which leave nothing out, the latest ${MAX_SKIPPED_KEPT}: ` +
        'a JSON array of {"step", "what", "code"}.',
    },
    { name: 'skipped_count', type: 'long', meaning: 'How often a person let the run skip something.' },
    {
      name: 'decisions',
      type: 'string',
      meaning:
        `What persons told the run, the latest ${MAX_DECISIONS_KEPT}: a JSON array of ` +
        '{"decision", "step", "what", "code", "by", "reason", "at"}; by and reason are null where they were not given.',
    },
    { name: 'decision_count', type: 'long', meaning: 'How often a person told the run what to do.' },
    {
      name: 'unknown_fields',
      type: 'string',
      meaning:
        'How often each field was met that no table knows, the most frequent ones: a JSON object by path. Where there are others, at least so often.',
    },
    {
      name: 'other_unknown_fields',
      type: 'long',
      meaning: 'How often other fields were met that no table knows.',
    },
    ...STEPS.flatMap(stepColumns),
  ],
  select: 'SELECT * FROM runs',
};
