import { built } from './built.js';

// So that what fails says where in the sources.
process.setSourceMapsEnabled(true);
await import(await built('worker/main.ts'));
