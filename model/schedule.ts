import { defineSearchAttributeKey } from '@temporalio/common';

/** Set by Temporal on each scheduled run: its scheduled time, not its start time. */
export const SCHEDULED_TIME = defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME');

/** Set by Temporal on each scheduled run: the id of the schedule. */
export const SCHEDULED_BY = defineSearchAttributeKey('TemporalScheduledById', 'KEYWORD');
