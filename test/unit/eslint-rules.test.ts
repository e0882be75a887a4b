import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { ESLint } from 'eslint';
import { ROOT } from '../../scripts/processes.ts';

const RULE = 'pipeline/maps-for-keys';

/** Returns how often the rule is violated by a function with these statements, as part of an existing module. */
async function violations(module: string, statements: string): Promise<number> {
  const eslint = new ESLint({ cwd: ROOT, ruleFilter: ({ ruleId }) => ruleId === RULE });
  const code = `export function count(name: string, at: number): unknown {\n${statements}\n}\n`;
  const [result] = await eslint.lintText(code, { filePath: join(ROOT, module) });
  const fatal = result?.messages.find(({ ruleId }) => ruleId === null);
  assert.equal(fatal, undefined, fatal?.message);
  return result?.messages.filter(({ ruleId }) => ruleId === RULE).length ?? NaN;
}

const COUNTS = 'const counts: Record<string, number> = {};';

for (const [what, statements, count] of [
  ['an assignment', `${COUNTS} counts[name] = 1; return counts;`, 1],
  ['a sum', `${COUNTS} counts[name] += 1; return counts;`, 1],
  ['a default', `${COUNTS} counts[name] ??= 1; return counts;`, 1],
  ['an increment', `${COUNTS} counts[name]++; return counts;`, 1],
  ['an index signature', 'const counts: { [key: string]: number } = {}; counts[name] = 1; return counts;', 1],
  ['a constant key', `${COUNTS} counts['all'] = 1; return counts;`, 0],
  ['a number as the key', 'const counts: Record<number, number> = {}; counts[at] = 1; return counts;', 0],
  ['a list', 'const counts: number[] = []; counts[at] = 1; return counts;', 0],
  ['a Map', 'const counts = new Map<string, number>(); counts.set(name, 1); return counts;', 0],
] as const)
  test(`${what} is ${count === 0 ? 'accepted by' : 'a violation of'} maps-for-keys`, async () => {
    assert.equal(await violations('model/reasons.ts', statements), count);
  });

test('maps-for-keys applies to each folder that processes records', async () => {
  for (const module of [
    'activities/consume.ts',
    'adapters/log.ts',
    'client/cli/main.ts',
    'lib/truncate.ts',
    'records/check.ts',
    'steps/source/chunk-writer.ts',
    'tables/runs.ts',
    'worker/metrics.ts',
    'workflows/run-state.ts',
  ])
    assert.equal(await violations(module, `${COUNTS} counts[name] = 1; return counts;`), 1, module);
});
