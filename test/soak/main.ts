/** Soaks the pipeline in faults: npm run soak -- [--minutes 20] [--seed 1] */
import { mkdtemp, rm } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { endWithThisProcess } from '../../services/lifetime.ts';
import { reportText } from './report.ts';
import { soak } from './soak.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '20' }, seed: { type: 'string', default: '1' } },
});
const [minutes, seed] = [Number(values.minutes), Number(values.seed)];
if (!(minutes > 0) || !Number.isSafeInteger(seed) || seed < 0) {
  process.stderr.write('--minutes must be a number above 0, --seed a whole number from 0 on\n');
  process.exit(2);
}

// All files of the servers and the workers are in one folder, which is deleted when this process exits.
const folder = await mkdtemp(join(tmpdir(), 'soak-'));
process.env['TMPDIR'] = folder;
const again = `npm run soak -- --minutes ${minutes} --seed ${seed}`;
const began = Date.now();
const say = (line: string): void => {
  const seconds = Math.round((Date.now() - began) / 1000);
  process.stdout.write(`${String(seconds).padStart(5)} s  ${line}\n`);
};
say(`${again}, in ${folder}`);
const release = endWithThisProcess(() => {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
});
const report = await soak({ seed, minutes, pace: [5, 20], say });
release();
await rm(folder, { recursive: true, force: true });
process.stdout.write(`\n${reportText(report)}\nseed ${seed}; again: ${again}\n`);
process.exitCode = report.findings.length === 0 && report.lost + report.doubled === 0 ? 0 : 1;
