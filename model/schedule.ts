import { defineSearchAttributeKey } from '@temporalio/common';

/** Temporal sets it on each run that a schedule starts: the time that the run is for, not when it began. */
export const SCHEDULED_TIME = defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME');

/** Temporal sets it too: the id of the schedule. */
export const SCHEDULED_BY = defineSearchAttributeKey('TemporalScheduledById', 'KEYWORD');
