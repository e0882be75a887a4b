import { stopAll } from './stop-all.ts';

await stopAll((line) => {
  process.stdout.write(`${line}\n`);
});
