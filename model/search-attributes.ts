import { defineSearchAttributeKey } from '@temporalio/common';

/**
 * The names and types of the search attributes that runs set.
 *
 * The development server registers them at its start. On any other Temporal server, create them once:
 * `temporal operator search-attribute create --name NAME --type TYPE`.
 */
export const SEARCH_ATTRIBUTES = {
  PipelineSource: 'Keyword',
  PipelineStep: 'Keyword',
  PipelineRecordsIn: 'Int',
  PipelineRecordsLanded: 'Int',
  PipelineRecordsQuarantined: 'Int',
} as const;

/** The source of a run. */
export const SOURCE = defineSearchAttributeKey('PipelineSource', 'KEYWORD');

/** The latest step that a run has begun, `waiting` while it waits for a person, and finally its outcome. */
export const STEP = defineSearchAttributeKey('PipelineStep', 'KEYWORD');

/** The number of records that a run fetched, or read from its topic; set at its end, as are the next two. */
export const RECORDS_IN = defineSearchAttributeKey('PipelineRecordsIn', 'INT');

/** The number of records that a run landed. */
export const RECORDS_LANDED = defineSearchAttributeKey('PipelineRecordsLanded', 'INT');

/** The number of records that a run quarantined. */
export const RECORDS_QUARANTINED = defineSearchAttributeKey('PipelineRecordsQuarantined', 'INT');
