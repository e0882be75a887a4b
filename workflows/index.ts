/** All that a worker's bundle holds: each export is a workflow that can be started by its name. */
export { erase } from './erase.ts';
export { ingest } from './ingest.ts';
export { maintain } from './maintain.ts';
export { rebuild } from './rebuild.ts';
