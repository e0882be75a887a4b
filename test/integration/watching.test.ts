import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { kafkaClient } from '../../adapters/kafka/client.ts';
import { STEPS } from '../../model/step.ts';
import { Collector } from '../support/collector.ts';
import {
  TestPipeline,
  eventually,
  runPipelineCommand,
  queryStatus,
  type TestWorker,
} from '../support/harness.ts';
import { badAttempts, goodAttempts } from '../support/quarantined.ts';
import { readLogLines, scrape, metricValues } from '../support/scraped.ts';

/** In each payload; must be nowhere else. */
const SECRET = 'Zaphod Beeblebrox';

const GOOD = goodAttempts(1, 40);
const BAD = [...badAttempts(2, 3), ...goodAttempts(3, 2).map((attempt) => ({ ...attempt, exam_name: null }))];
const LARGE = { ...goodAttempts(4, 1)[0], exam_name: 'x'.repeat(900_000) };
const CONTENT = JSON.stringify([...GOOD, ...BAD, LARGE].map((attempt) => ({ ...attempt, note: SECRET })));

/** A request, and a step that makes it. */
const REQUESTS = [
  ['Kafka Produce', 'publish'],
  ['Kafka EndTxn', 'publish'],
  ['Kafka ListOffsets', 'plan'],
  ['Kafka Fetch', 'consume'],
  ['HDFS CREATE', 'land'],
  ['HDFS RENAME', 'land'],
  ['HDFS CREATE', 'record'],
] as const;

const STEP_NAME = /^(fetch|publish|plan|consume|transform|land|record|checkQuarantineLimit|cleanUp)$/;

let pipeline: TestPipeline;
let worker: TestWorker;
let collector: Collector;
let began: number;

before(async () => {
  pipeline = await TestPipeline.create({
    watched: { url: 'file:content.json' },
    gone: { url: 'file:gone.json' },
  });
  await pipeline.placeFiles({ 'content.json': CONTENT });
  collector = await Collector.start();
  const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '200' };
  worker = await pipeline.startWorker('one', { LOG_LEVEL: 'debug', ...traced });
  began = Date.now() / 1000;
  const { code, stderr } = await runPipelineCommand(['start', 'watched', '--follow'], {
    PIPELINE_CONFIG: pipeline.settingsFile,
    ...traced,
  });
  assert.equal(code, 0, stderr);
});

after(async () => {
  await pipeline.close();
  await collector.stop();
});

describe('the metrics of a worker, after a run with invalid records', () => {
  const of = (step: string): string => `{source="watched",step="${step}"}`;

  test('count the records in and out of each step, and the quarantined ones by reason', async () => {
    const metrics = await scrape(worker);
    const all = GOOD.length + BAD.length + 1;
    const published = all - 1;
    const landed = GOOD.length;
    assert.deepEqual(metricValues(metrics, 'pipeline_records_in_total'), {
      [of('fetch')]: all,
      [of('publish')]: all,
      [of('consume')]: published,
      [of('transform')]: published,
      [of('land')]: landed,
    });
    assert.deepEqual(metricValues(metrics, 'pipeline_records_out_total'), {
      [of('fetch')]: all,
      [of('publish')]: published,
      [of('consume')]: published,
      [of('transform')]: landed,
      [of('land')]: landed,
    });
    const reasonOf = (step: string, reason: string): string =>
      `{source="watched",step="${step}",reason="${reason}"}`;
    assert.deepEqual(metricValues(metrics, 'pipeline_records_quarantined_total'), {
      [reasonOf('publish', 'has … bytes, more than the 900000 that a record may have')]: 1,
      [reasonOf('transform', 'max_attempts must be a whole number of 32 bits, is another text')]: 3,
      [reasonOf('transform', 'exam_name must not be null')]: 2,
    });
    assert.deepEqual(metricValues(metrics, 'pipeline_step_failures_total'), {});
    assert.equal(metrics.get('pipeline_runs_total{source="watched",state="landed"}'), 1);
    for (const step of STEPS) assert.equal(metrics.get(`pipeline_step_seconds_count{step="${step}"}`), 1);
  });

  test('have the time of the source’s last commit, and the lag of its topic', async () => {
    const topic = pipeline.settings.sources['watched']?.topic ?? '';
    await eventually('the worker asked', async () => {
      const metrics = await scrape(worker);
      const landedAt = metrics.get('pipeline_last_landed_timestamp_seconds{source="watched"}') ?? 0;
      return landedAt > began && metrics.get(`pipeline_lag_messages{topic="${topic}"}`) === 0;
    });
    await publishMore(topic, 7);
    await eventually('the worker asked again', async () => {
      return (await scrape(worker)).get(`pipeline_lag_messages{topic="${topic}"}`) === 7;
    });
  });
});

describe('the trace of a run', () => {
  before(() =>
    eventually('the run’s own span came', () =>
      collector.spans.some(({ name }) => name === 'RunWorkflow:ingest'),
    ),
  );

  test('is one, from the command that started it to each activity', () => {
    const steps = collector.spans.filter(({ name }) => name.startsWith('RunActivity:'));
    const names = steps.map(({ name }) => name.slice('RunActivity:'.length));
    assert.deepEqual(new Set(names), new Set([...STEPS, 'plan', 'record', 'cleanUp']));
    for (const step of steps) {
      const up = collector.pathOf(step);
      assert.deepEqual(up.slice(-2), ['RunWorkflow:ingest', 'StartWorkflow:ingest'], up.join(' < '));
    }
    assert.equal(new Set(steps.map(({ traceId }) => traceId)).size, 1);
  });

  test('has the requests to Kafka and to HDFS as children of their step', () => {
    const made = (request: string, step: string): boolean =>
      collector.spans.some(
        (span) => span.name === request && collector.pathOf(span)[1] === `RunActivity:${step}`,
      );
    for (const [request, step] of REQUESTS) assert.ok(made(request, step), `${request} in ${step}`);
    const requests = collector.spans.filter(({ name }) => /^(Kafka|HDFS|HTTP) /.test(name));
    for (const span of requests)
      assert.match(collector.pathOf(span)[1] ?? 'none', /^RunActivity:/, span.name);
  });

  test('has no payload, and no query string', () => {
    const text = JSON.stringify(collector.spans);
    assert.ok(!text.includes(SECRET));
    assert.ok(!text.includes('op='));
  });
});

test('the metrics of a worker count failures by code, waiting runs, and runs by outcome', async () => {
  const handle = await pipeline.start({ source: 'gone' });
  await eventually('the run waits', async () => (await queryStatus(handle)).state === 'waiting');
  await eventually('the worker asked', async () => {
    return (await scrape(worker)).get('pipeline_waiting_runs{source="gone"}') === 1;
  });
  await handle.executeUpdate('abort');
  await assert.rejects(handle.result());
  const metrics = await scrape(worker);
  assert.deepEqual(metricValues(metrics, 'pipeline_step_failures_total'), {
    '{source="gone",step="fetch",code="SOURCE_REFUSED"}': 1,
  });
  assert.equal(metrics.get('pipeline_runs_total{source="gone",state="aborted"}'), 1);
  // Nobody who started it traced; so its trace is named after it.
  const traceId = handle.firstExecutionRunId.replaceAll('-', '');
  const ofRun = (): string[] =>
    collector.spans.filter((span) => span.traceId === traceId).map((span) => span.name);
  await eventually('its spans came', () => ofRun().includes('RunWorkflow:ingest'));
  assert.ok(ofRun().includes('RunActivity:fetch'));
  await eventually('nothing waits', async () => {
    return (await scrape(worker)).get('pipeline_waiting_runs{source="gone"}') === 0;
  });
});

test('each log line about a run has its id, source and step; none has a payload', () => {
  const lines = readLogLines(worker).filter(({ run, runId }) => run !== undefined || runId !== undefined);
  const messages = lines.map(({ msg }) => msg);
  for (const expected of ['a step failed', 'Activity failed', 'Workflow failed'])
    assert.ok(messages.includes(expected));
  for (const line of lines) {
    const { run, source, step, msg } = line;
    // Temporal's SDK logs these at the level debug before the input is decoded.
    if (msg === 'Workflow started' || msg === 'Activity started') continue;
    // The clean-up of a host is for the whole run, and has no source.
    if (step !== 'cleanUp')
      assert.match(String(run), new RegExp(`^(ingest|${pipeline.name})-${String(source)}-`), String(msg));
    assert.match(String(source), step === 'cleanUp' ? /^none$/ : /^(watched|gone)$/, String(msg));
    if (!String(msg).startsWith('Workflow ')) assert.match(String(step), STEP_NAME, String(msg));
  }
  assert.ok(!JSON.stringify(readLogLines(worker)).includes(SECRET));
});

async function publishMore(topic: string, count: number): Promise<void> {
  const producer = kafkaClient(pipeline.kafka, 'others').producer();
  await producer.connect();
  await producer.send({
    topic,
    messages: goodAttempts(5, count).map((value) => ({ value: JSON.stringify(value) })),
  });
  await producer.disconnect();
}
