import { buildScanner } from './scanner.js';

process.stdout.write(`${await buildScanner()}\n`);
