import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { parse, stringify } from 'yaml';
import { topicOffsets } from '../../adapters/kafka/client.ts';
import { ensureTopic } from '../../adapters/kafka/topics.ts';
import type { DoctorFinding } from '../../client/doctor/check.ts';
import { startPlatform, type Platform } from '../../simulator/server.ts';
import { TestPipeline, eventually, runPipelineCommand } from '../support/harness.ts';

/** Nothing listens there. */
const NOBODY = '127.0.0.1:2';

const MARKER_TOPIC = `markers-doctor-${process.pid}-${Date.now()}`;

let pipeline: TestPipeline;
let platform: Platform;

before(async () => {
  platform = await startPlatform({ count: 5, token: 'a-secret' });
  pipeline = await TestPipeline.create(
    { pearson: { url: `${platform.url}/attempts`, tokenVariable: 'DOCTOR_TOKEN' }, filled: {} },
    // Of its own, so that it does not exist.
    { kafka: { markerTopic: MARKER_TOPIC } },
  );
  await pipeline.placeFiles({ 'a-file': '' });
  await pipeline.startWorker('one', { DOCTOR_TOKEN: 'a-secret' });
});

after(async () => {
  await pipeline.close();
  await platform.close();
});

interface Diagnosis {
  readonly code: number;
  readonly findings: readonly DoctorFinding[];
  readonly output: string;
}

/** Runs doctor with changed settings. */
async function diagnose(change: Record<string, object> = {}, token = 'a-secret'): Promise<Diagnosis> {
  const yaml = parse(await readFile(pipeline.settingsFile, 'utf8')) as Record<string, object>;
  const changed = Object.entries(change).map(([key, value]) => [key, { ...yaml[key], ...value }] as const);
  const file = join(pipeline.folder, 'doctor.yaml');
  await writeFile(file, stringify({ ...yaml, ...Object.fromEntries(changed) }));
  const env = { DOCTOR_TOKEN: token };
  const { code, stdout, stderr } = await runPipelineCommand(['--config', file, 'doctor', '--json'], env);
  assert.notEqual(stdout, '', stderr);
  return { code, findings: JSON.parse(stdout) as DoctorFinding[], output: stdout + stderr };
}

function failuresOf({ findings }: Diagnosis): string[] {
  return findings
    .filter(({ state }) => state === 'failed')
    .map(({ subject, code }) => `${subject}: ${code ?? ''}`);
}

function saysOf({ findings }: Diagnosis, subject: string): string {
  return findings.find((finding) => finding.subject === subject)?.says ?? '';
}

test('with correct settings every check passes, and it exits with 0', async () => {
  const diagnosis = await diagnose();
  assert.deepEqual(failuresOf(diagnosis), []);
  assert.equal(diagnosis.code, 0);
  assert.match(saysOf(diagnosis, 'worker'), /^1 polls the task queue /);
  assert.match(saysOf(diagnosis, 'clock'), /agrees/);
  assert.equal(saysOf(diagnosis, 'source pearson'), `${new URL(platform.url).host} returns content`);
});

test('an existing topic is checked for writing by a message that no consumer reads', async () => {
  const { topic = '' } = pipeline.settings.sources['filled'] ?? {};
  await ensureTopic(pipeline.kafka, topic, { partitions: 1, replicationFactor: 1 });
  assert.match(saysOf(await diagnose(), `kafka topic ${topic}`), /^accepts transactions/);
  const ends = (): Promise<string[]> =>
    topicOffsets(pipeline.kafka, topic).then((offsets) => offsets.map(({ end }) => end));
  await eventually('two offsets are taken', async () => (await ends())[0] === '2');
  const result = await (await pipeline.start({ source: 'filled' })).result();
  assert.deepEqual([result.outcome, result.steps.consume.recordsIn], ['nothing-new', 0]);
  const { code, stdout } = await pipeline.command('verify');
  assert.equal(code, 0, stdout);
  assert.deepEqual(
    (await pipeline.warehouse.options.hdfs.list(pipeline.settings.hdfs.warehouse)).filter(({ name }) =>
      name.startsWith('_doctor'),
    ),
    [],
  );
});

test('without --json each finding is a line, with advice', async () => {
  const { code, stdout } = await pipeline.command('doctor');
  assert.equal(code, 1);
  assert.match(stdout, /^✔ kafka: reached at /m);
  assert.match(
    stdout,
    /^✖ source pearson: SETTINGS_INVALID: the environment variable DOCTOR_TOKEN, which is to hold the token of source pearson, is not set\n {4}\S/m,
  );
  assert.match(stdout, /\n1 of \d+ failed\n$/);
});

test('servers that cannot be reached are reported one by one', async () => {
  const diagnosis = await diagnose({
    temporal: { address: NOBODY, uiUrl: `http://${NOBODY}` },
    kafka: { brokers: [NOBODY] },
    hdfs: { nameNodes: [`http://${NOBODY}`] },
  });
  assert.equal(diagnosis.code, 1);
  assert.deepEqual(failuresOf(diagnosis), [
    'temporal: TEMPORAL_UNREACHABLE',
    'kafka: KAFKA_UNREACHABLE',
    'hdfs: HDFS_UNREACHABLE',
  ]);
  assert.match(saysOf(diagnosis, 'temporal ui'), /cannot be reached: .*ECONNREFUSED/);
});

test('a namespace that does not exist is reported', async () => {
  const diagnosis = await diagnose({ temporal: { namespace: 'nowhere' } });
  assert.deepEqual(failuresOf(diagnosis), ['temporal namespace: TEMPORAL_REFUSED']);
  assert.match(saysOf(diagnosis, 'temporal namespace'), /nowhere/);
});

test('a task queue that no worker polls is a warning', async () => {
  const diagnosis = await diagnose({ temporal: { taskQueue: 'another-queue' } });
  assert.deepEqual([diagnosis.code, failuresOf(diagnosis)], [0, []]);
  assert.match(saysOf(diagnosis, 'worker'), /none polls the task queue another-queue/);
});

test('a warehouse without write permission is reported', async () => {
  const diagnosis = await diagnose({ hdfs: { user: 'stranger', warehouse: '/not-for-strangers' } });
  assert.deepEqual(failuresOf(diagnosis), ['hdfs: HDFS_REFUSED']);
  assert.match(saysOf(diagnosis, 'hdfs'), /Permission denied: user=stranger, access=WRITE/);
});

test('a wrong token is reported, and not shown', async () => {
  const diagnosis = await diagnose({}, 'not-the-token');
  assert.deepEqual(failuresOf(diagnosis), ['source pearson: SOURCE_REFUSED']);
  assert.match(saysOf(diagnosis, 'source pearson'), /^the server answered 401/);
  assert.doesNotMatch(diagnosis.output, /not-the-token/);
});

test('a staging folder that cannot be created is reported', async () => {
  const diagnosis = await diagnose({ worker: { staging: join(pipeline.folder, 'a-file', 'staging') } });
  assert.deepEqual(failuresOf(diagnosis), ['staging: ']);
  assert.match(saysOf(diagnosis, 'staging'), /ENOTDIR: not a directory/);
});

test('a topic that the first run could not create is reported', async () => {
  const { topic = '' } = pipeline.settings.sources['pearson'] ?? {};
  const replicas = await diagnose({ kafka: { replicationFactor: 3 } });
  assert.deepEqual(
    failuresOf(replicas),
    [topic, MARKER_TOPIC].map((name) => `kafka topic ${name}: KAFKA_REFUSED`),
  );
  assert.match(
    saysOf(replicas, `kafka topic ${topic}`),
    /INVALID_REPLICATION_FACTOR: .*kafka\.replicationFactor/,
  );
  const [one, other, existing] = [`${topic}.one`, `${topic}_one`, `${topic}.is-there`];
  await ensureTopic(pipeline.kafka, existing, { partitions: 1, replicationFactor: 1 });
  const colliding = `${topic}_is-there`;
  const sources = { one: { topic: one }, other: { topic: other }, third: { topic: colliding } };
  const names = await diagnose({ sources });
  assert.deepEqual(
    failuresOf(names),
    [one, other, colliding].map((name) => `kafka topic ${name}: KAFKA_REFUSED`),
  );
  assert.match(saysOf(names, `kafka topic ${one}`), new RegExp(`collides with .*${other}`));
  assert.match(saysOf(names, `kafka topic ${colliding}`), new RegExp(`collides with .*${existing}`));
});

test('a topic of markers with settings that would lose them is reported with each of them', async () => {
  const markerTopic = `${MARKER_TOPIC}-wrong`;
  await ensureTopic(pipeline.kafka, markerTopic, { partitions: 1, replicationFactor: 1 });
  const diagnosis = await diagnose({ kafka: { markerTopic } });
  assert.deepEqual(failuresOf(diagnosis), [`kafka topic ${markerTopic}: KAFKA_REFUSED`]);
  assert.match(
    saysOf(diagnosis, `kafka topic ${markerTopic}`),
    /its number of partitions is 1, not 32; retention\.ms is 604800000, not 34560000000; message\.timestamp\.type is CreateTime, not LogAppendTime\. Correct/,
  );
});
