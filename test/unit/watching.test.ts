import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parser } from '@prometheus-io/lezer-promql';
import { parse } from 'yaml';
import { z } from 'zod';
import { parseSettings } from '../../model/settings.ts';
import { METRICS, Metrics, OTHER_REASONS } from '../../worker/metrics.ts';
import { ROOT } from '../support/harness.ts';

const Rules = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string().regex(/^Pipeline[A-Za-z]+$/),
          expr: z.string(),
          for: z
            .string()
            .regex(/^\d+m$/)
            .optional(),
          labels: z.strictObject({ severity: z.enum(['page', 'ticket']) }),
          annotations: z.strictObject({ summary: z.string(), description: z.string() }),
        }),
      ),
    }),
  ),
});

const Source = z.object({ type: z.literal('prometheus'), uid: z.string() });
const Panel = z.object({
  id: z.int(),
  type: z.enum(['stat', 'timeseries']),
  title: z.string().min(1),
  datasource: Source,
  gridPos: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
  targets: z.array(z.object({ refId: z.string(), expr: z.string(), datasource: Source })).min(1),
});
const Dashboard = z.object({
  uid: z.string(),
  title: z.string(),
  schemaVersion: z.int(),
  templating: z.object({ list: z.array(z.object({ name: z.string(), definition: z.string() })) }),
  panels: z.array(Panel),
});

const rules = Rules.parse(parse(read('docker/prometheus/alerts.yml'))).groups.flatMap((group) => group.rules);
const dashboard = Dashboard.parse(JSON.parse(read('docker/grafana/dashboards/pipeline.json')));
const queries = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
const exported = await exportedNames();

void describe('the alert rules', () => {
  it('are valid PromQL over metrics that a worker exports', () => {
    for (const { alert, expr } of rules) requireKnown(alert, expr);
    assert.throws(() => {
      requireKnown('', 'sum by (source) (pipeline_waiting_runs');
    }, /is no query/);
    assert.throws(() => {
      requireKnown('', 'pipeline_waiting_run > 0');
    }, /pipeline_waiting_run/);
  });

  it('are each documented in docs/operating.md, with what to do', () => {
    const text = read('docs/operating.md');
    for (const { alert } of rules) assert.ok(text.includes(`### ${alert}\n`), alert);
    const headed = [...text.matchAll(/^### (Pipeline\w+)$/gm)].map(([, name]) => name);
    assert.deepEqual(
      headed,
      rules.map(({ alert }) => alert),
    );
  });
});

void describe('the dashboard', () => {
  it('has valid PromQL over metrics that a worker exports', () => {
    for (const query of queries) requireKnown(query, query);
    for (const { definition } of dashboard.templating.list)
      assert.ok(exported.has(/^label_values\((\w+), source\)$/.exec(definition)?.[1] ?? ''), definition);
  });

  it('shows each metric of the pipeline', () => {
    const shown = new Set([...queries, ...rules.map(({ expr }) => expr)].flatMap(namesIn));
    for (const name of Object.keys(METRICS)) {
      // It tells the age of the other gauges; and the counter of the input is shown beside that of the output.
      if (name === 'pipeline_gauges_refreshed_timestamp_seconds') continue;
      assert.ok(
        [...shown].some((one) => one.startsWith(name)),
        name,
      );
    }
  });

  it('has panels that do not overlap, within 24 columns', () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) => {
      assert.ok(x + w <= 24);
      return Array.from({ length: w * h }, (_, at) => `${x + (at % w)}/${y + Math.floor(at / w)}`);
    });
    assert.equal(new Set(cells).size, cells.length);
    assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
  });

  it('uses Grafana’s configured datasource, the Prometheus of docker-compose.yml', () => {
    const { datasources } = z
      .object({ datasources: z.array(z.object({ uid: z.string(), url: z.string() })) })
      .parse(parse(read('docker/grafana/provisioning/datasources/prometheus.yml')));
    assert.deepEqual(
      datasources.map(({ url }) => url),
      ['http://prometheus:9090'],
    );
    for (const { datasource, targets } of dashboard.panels)
      for (const { uid } of [datasource, ...targets.map((target) => target.datasource)])
        assert.equal(uid, datasources[0]?.uid);
  });
});

void describe('Prometheus of docker-compose.yml', () => {
  it('scrapes the worker’s address', () => {
    const settings = parseSettings(read('docker/pipeline.yaml'), 'docker/pipeline.yaml');
    const { scrape_configs: jobs } = z
      .object({
        scrape_configs: z.array(
          z.object({
            job_name: z.string(),
            static_configs: z.array(z.object({ targets: z.array(z.string()) })),
          }),
        ),
      })
      .parse(parse(read('docker/prometheus/prometheus.yml')));
    assert.deepEqual(jobs, [
      {
        job_name: 'pipeline-worker',
        static_configs: [{ targets: [`worker:${settings.worker.healthPort}`] }],
      },
    ]);
    assert.equal(settings.worker.healthHost, '0.0.0.0');
  });
});

void describe('the metrics', () => {
  it('distinguish a hundred reasons, and count the rest together', async () => {
    const metrics = new Metrics();
    for (let at = 0; at < 150; at += 1) metrics.quarantined('s', 'transform', `reason ${at}`, 1);
    metrics.quarantined('s', 'transform', 'reason 7', 1);
    const lines = (await metrics.text())
      .split('\n')
      .filter((line) => line.startsWith('pipeline_records_quarantined_total{'));
    assert.equal(lines.length, 101);
    assert.ok(lines.some((line) => line.includes(`reason="${OTHER_REASONS}"`) && line.endsWith(' 50')));
    assert.ok(lines.some((line) => line.includes('reason="reason 7"') && line.endsWith(' 2')));
  });

  it('follow Prometheus’ naming: counters end in _total, and each has its unit', () => {
    for (const [name, { type, help }] of Object.entries(METRICS)) {
      assert.equal(name.endsWith('_total'), type === 'counter', name);
      assert.match(name, /^pipeline_[a-z_]+$/);
      assert.match(help, /\.$/);
    }
  });
});

/** Returns the names of a worker's metrics, as Prometheus stores them. */
async function exportedNames(): Promise<Set<string>> {
  const text = await new Metrics().text();
  const names = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].flatMap(([, name = '', type]) =>
    type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name],
  );
  // Prometheus adds these to each target.
  return new Set([...names, 'up']);
}

/** Checks that a text is valid PromQL over metrics that a worker exports. */
function requireKnown(where: string, query: string): void {
  for (const name of namesIn(query)) assert.ok(exported.has(name), `${where}: no worker exports ${name}`);
}

function namesIn(query: string): string[] {
  const text = query.replaceAll('$__rate_interval', '5m');
  const names: string[] = [];
  parser.parse(text).iterate({
    enter: ({ type, name, from, to, node }) => {
      assert.ok(!type.isError, `${query} is no query: it is off at ${from}`);
      if (name === 'Identifier' && node.parent?.name === 'VectorSelector') names.push(text.slice(from, to));
    },
  });
  assert.ok(names.length > 0, query);
  return names;
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}
