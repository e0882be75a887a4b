/** Fuzzes the record path: npm run fuzz -- [--records 1000000] [--seed 1] */
import { parseArgs } from 'node:util';
import { fuzz } from './fuzz.ts';

const { values } = parseArgs({
  options: { records: { type: 'string', default: '1000000' }, seed: { type: 'string', default: '1' } },
});
const began = performance.now();
const counts = await fuzz({
  seed: Number(values.seed),
  records: Number(values.records),
  timeoutMs: Infinity,
});
const reasons = [...counts.reasons].sort(([, a], [, b]) => b - a);
for (const [reason, count] of reasons) process.stdout.write(`${String(count).padStart(9)}  ${reason}\n`);
process.stdout.write(
  `seed ${values.seed}: ${counts.records} records, ${counts.landed} landed, ${counts.quarantined} quarantined, ` +
    `0 lost, in ${Math.round((performance.now() - began) / 1000)} s\n`,
);
