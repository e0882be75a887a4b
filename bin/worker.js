import { builtWorker } from './built.js';

// Maps stack traces to the sources.
process.setSourceMapsEnabled(true);
await import(await builtWorker());
