#!/usr/bin/env node
import { built } from './built.js';

await import(await built('client/cli/main.ts'));
