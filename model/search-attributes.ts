import { defineSearchAttributeKey } from '@temporalio/common';

/**
 * What a run can be found by in Temporal: each search attribute's name and type.
 *
 * The workflow sets them, and the development server registers them at its start. On any other Temporal
 * they are added once: `temporal operator search-attribute create --name NAME --type TYPE`.
 */
export const SEARCH_ATTRIBUTES = {
  PipelineSource: 'Keyword',
  PipelineStep: 'Keyword',
  PipelineRecordsIn: 'Int',
  PipelineRecordsLanded: 'Int',
  PipelineRecordsQuarantined: 'Int',
} as const;

/** Which source a run is of. */
export const SOURCE = defineSearchAttributeKey('PipelineSource', 'KEYWORD');

/** The furthest step that a run has begun; then how it ended. `waiting` while it waits for a person. */
export const STEP = defineSearchAttributeKey('PipelineStep', 'KEYWORD');

/** Set when a run ends, as are the next two: the records that it fetched, or met in its topic. */
export const RECORDS_IN = defineSearchAttributeKey('PipelineRecordsIn', 'INT');

/** The records that a run landed. */
export const RECORDS_LANDED = defineSearchAttributeKey('PipelineRecordsLanded', 'INT');

/** The records that a run quarantined. */
export const RECORDS_QUARANTINED = defineSearchAttributeKey('PipelineRecordsQuarantined', 'INT');
