import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ROOT } from '../support/harness.ts';
import { buildDashboardCheck, installPromtool, leftOutGrafana, leftOutPromtool } from './watchers.ts';

const DASHBOARD = join(ROOT, 'docker/grafana/dashboards/pipeline.json');

function run(program: string, ...words: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(program, words, { cwd: ROOT, encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

void describe('Prometheus’ own tool', { skip: leftOutPromtool() }, () => {
  let promtool: string;

  before(async () => {
    promtool = await installPromtool();
  });

  it('accepts the configuration and its alert rules', () => {
    const { status, output } = run(promtool, 'check', 'config', 'docker/prometheus/prometheus.yml');
    assert.equal(status, 0, output);
    assert.match(output, /alerts\.yml\n\s+SUCCESS: \d+ rules found/);
  });

  it('fires each alert when it should, and not before', () => {
    const { status, output } = run(promtool, 'test', 'rules', 'docker/prometheus/alerts.test.yml');
    assert.equal(status, 0, output);
  });
});

void describe('Grafana’s own schema', { skip: leftOutGrafana() }, () => {
  let check: string;
  let folder: string;

  before(async () => {
    check = await buildDashboardCheck();
    folder = await mkdtemp(join(tmpdir(), 'dashboard-'));
  });

  after(() => rm(folder, { recursive: true }));

  it('accepts the dashboard: nothing is missing, unknown or of another type', () => {
    assert.deepEqual(run(check, DASHBOARD), { status: 0, output: '' });
  });

  it('rejects a misspelt option, also of a query, and a string in place of a number', async () => {
    const text = await readFile(DASHBOARD, 'utf8');
    for (const [right, wrong, told] of [
      ['"colorMode"', '"colourMode"', /panels\[0\]\.options.*'colourMode'/],
      ['"legendFormat"', '"legend"', /panels\[0\]\.targets\[0\].*'legend'/],
      ['"h": 4', '"h": "4"', /panels\[0\]\.gridPos\.h/],
    ] as const) {
      const path = join(folder, 'wrong.json');
      await writeFile(path, text.replace(right, wrong));
      const { status, output } = run(check, path);
      assert.equal(status, 1);
      assert.match(output, told);
    }
  });
});
