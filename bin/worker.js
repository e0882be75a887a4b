import { built } from './built.js';

// Maps stack traces to the sources.
process.setSourceMapsEnabled(true);
await import(await built('worker/main.ts'));
