#!/usr/bin/env node
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import { builtCommandLine } from './built.js';

const main = await builtCommandLine();
// Node keeps what it compiled, from 22.8 on, where it can write.
module.enableCompileCache?.(fileURLToPath(new URL('compile-cache', main)));
await import(main);
