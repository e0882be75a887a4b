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
