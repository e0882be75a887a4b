import { build } from './built.js';

process.stdout.write(`${await build()}\n`);
