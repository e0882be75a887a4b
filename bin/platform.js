import { built } from './built.js';

await import(await built('services/platform/main.ts'));
