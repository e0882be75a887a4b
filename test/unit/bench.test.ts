import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { readLineBatches } from '../../bench/data.ts';
import { isMet, median, ratio, regressions, type Goal } from '../../bench/figures.ts';
import { TreeMeter } from '../../bench/processes.ts';
import type { Results } from '../../bench/result-schema.ts';
import { merged, pageOf, readResults } from '../../bench/results.ts';
import { ROOT } from '../support/harness.ts';

const GOAL: Goal = { what: 'ours', value: 6, unit: 'times', sense: 'at least', bound: 5 };

test('the median is the middle value, or the mean of the two in the middle', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 10]), 3);
  assert.throws(() => median([]), TypeError);
});

test('a ratio is the quotient of two medians', () => {
  assert.equal(ratio([20, 30, 10], [5, 4, 400]), 4);
});

test('a goal is reached at its bound, and where there is no bound', () => {
  assert.ok(isMet({ ...GOAL, value: 5 }));
  assert.ok(!isMet({ ...GOAL, value: 4.9 }));
  assert.ok(isMet({ ...GOAL, sense: 'at most', value: 5 }));
  assert.ok(!isMet({ ...GOAL, sense: 'at most', value: 5.1 }));
  assert.ok(isMet({ ...GOAL, value: 0, bound: null }));
});

test('a ratio has become worse when it is less than half of the documented one, whether or not it met its goal', () => {
  assert.deepEqual(regressions([{ ...GOAL, value: 3 }], [GOAL]), []);
  assert.deepEqual(regressions([{ ...GOAL, value: 2.9 }], [GOAL]), [
    'ours: 2.90, at least 3.00 is asked for',
  ]);
  assert.equal(regressions([{ ...GOAL, value: NaN }], [GOAL]).length, 1);
});

test('a ratio whose goal is an upper bound has become worse when it is more than twice the documented one', () => {
  const most: Goal = { ...GOAL, sense: 'at most', value: 1.2 };
  assert.deepEqual(regressions([{ ...most, value: 2.4 }], [most]), []);
  assert.equal(regressions([{ ...most, value: 2.5 }], [most]).length, 1);
});

test('a ratio that is no longer measured is a regression, and machine-specific sizes are not compared', () => {
  assert.deepEqual(regressions([], [GOAL]), ['ours: was 6.00, and is not measured any more']);
  assert.deepEqual(regressions([], [{ ...GOAL, unit: 'MiB' }]), []);
});

test('a new result replaces only the old one of its bench, on the same machine', () => {
  const machine = { processor: 'one', cores: 2, memoryGibibytes: 8 };
  const bench = (name: string, attempts: number): Results['benches'][number] => ({
    ...{ name, title: name, about: '', on: '2026-01-01', data: 'generated', attempts, bytes: 0 },
    ...{ sides: [], goals: [], notes: [] },
  });
  const kept = { machine, versions: {}, benches: [bench('land', 1), bench('small', 1)] };
  const names = (of: Results): string[] =>
    of.benches.map(({ name, attempts }) => `${name} ${attempts}`).sort();
  assert.deepEqual(names(merged(kept, { ...kept, benches: [bench('land', 2)] })), ['land 2', 'small 1']);
  const elsewhere = { ...kept, machine: { ...machine, cores: 4 }, benches: [bench('land', 2)] };
  assert.deepEqual(names(merged(kept, elsewhere)), ['land 2']);
});

test('the page of benchmarks matches its results', async () => {
  const results = readResults();
  assert.ok(results !== undefined, 'there are results');
  const page = readFileSync(join(ROOT, 'docs/benchmarks.md'), 'utf8');
  assert.ok(page === (await pageOf(results)), 'docs/benchmarks.md was changed by hand: change bench/');
});

test('a file is read by lines, also where they are longer than a chunk', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bench-lines-'));
  try {
    const lines = ['a', 'b'.repeat(3 << 20), 'c', '', 'd'];
    const file = join(folder, 'lines');
    await writeFile(file, `${lines.join('\n')}\n`);
    const read: string[][] = [];
    for await (const some of readLineBatches(file, 2)) read.push(some.map(String));
    assert.deepEqual(
      read.map(({ length }) => length),
      [2, 2, 1],
    );
    assert.deepEqual(read.flat(), lines);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test(
  'a child’s resources count as those of its process',
  { skip: process.platform !== 'linux' },
  async () => {
    const busy = `${process.execPath} -e 'while (process.cpuUsage().user < 600_000);'; true`;
    const shell = spawn('sh', ['-c', busy], { stdio: 'ignore' });
    assert.ok(shell.pid !== undefined);
    const exited = once(shell, 'exit');
    const meter = new TreeMeter(shell.pid);
    await exited;
    meter.stop();
    assert.ok(meter.cpu > 0.3, `${meter.cpu} s`);
    assert.ok(meter.peakBytes > 20e6, `${meter.peakBytes} bytes`);
  },
);
