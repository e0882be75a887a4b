/** The header by which a run is told to which trace it belongs; it hands it on to its activities. */
export const TRACE_HEADER = 'traceparent';
