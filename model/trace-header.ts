/** The Temporal header with the W3C trace context of a run; the run passes it on to its activities. */
export const TRACE_HEADER = 'traceparent';
