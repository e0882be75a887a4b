import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { identityOf } from '../../adapters/hdfs/access.ts';
import { PipelineError } from '../../model/errors.ts';
import { parseSettings, readSettings } from '../../model/settings.ts';
import { temporalProfile } from '../../model/temporal-environment.ts';
import { ROOT } from '../support/harness.ts';

const PAGE = readFileSync(join(ROOT, 'docs/clusters.md'), 'utf8');

/** Returns the error by which settings are refused. */
function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof PipelineError);
    return `${error.code}: ${error.message}`;
  }
  return 'none';
}

test('each example of the page about clusters is valid', () => {
  const examples = [...PAGE.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text = '']) => text);
  assert.equal(examples.length, 5);
  for (const text of examples)
    assert.deepEqual(Object.keys(parseSettings(text, 'clusters.md').sources), ['pearson']);
});

test('TLS files are resolved relative to the settings file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'clusters-test-'));
  try {
    const file = join(folder, 'pipeline.yaml');
    const tls = '{ caFile: ca.pem, certificateFile: own/cert.pem, keyFile: /etc/key.pem }';
    writeFileSync(file, `kafka: { tls: ${tls} }\nhdfs: { tls: { caFile: ca.pem } }\nsources: {}\n`);
    const { kafka, hdfs } = readSettings(file);
    assert.deepEqual(kafka.tls, {
      caFile: join(folder, 'ca.pem'),
      certificateFile: join(folder, 'own/cert.pem'),
      keyFile: '/etc/key.pem',
    });
    assert.deepEqual(hdfs.tls, { caFile: join(folder, 'ca.pem') });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('contradictory settings are refused, and a secret in them is not shown', () => {
  const cases: readonly [string, RegExp][] = [
    ['kafka: { tls: { certificateFile: a.pem } }', /kafka\.tls: .*certificateFile and keyFile go together/],
    [
      'kafka: { sasl: { mechanism: gssapi, user: a, passwordVariable: A } }',
      /kafka\.sasl\.mechanism: "gssapi"/,
    ],
    [
      'kafka: { sasl: { mechanism: plain, user: a, passwordVariable: s3cret } }',
      /passwordVariable: hidden: must be/,
    ],
    ['kafka: { sasl: { mechanism: plain, user: a, password: s3cret } }', /keys that do not exist: password/],
    [
      'hdfs: { nameNodes: ["http://a:1"], basicAuth: { user: a, passwordVariable: A } }',
      /hdfs\.basicAuth: .*must be one of https/,
    ],
    [
      'hdfs: { nameNodes: ["https://a:1"], basicAuth: { user: a, passwordVariable: A }, delegationTokenVariable: B }',
      /hdfs\.basicAuth: .*keep one of them/,
    ],
    [
      'hdfs: { nameNodes: ["https://a:s3cret@a:1"] }',
      /hdfs\.nameNodes\.0: hidden: must hold no user or password/,
    ],
    ['hdfs: { delegationTokenVariable: s3cret }', /delegationTokenVariable: hidden: must be/],
  ];
  for (const [text, says] of cases) {
    const said = refusal(() => parseSettings(`${text}\nsources: {}\n`, 'pipeline.yaml'));
    assert.match(said, says);
    assert.ok(!said.includes('s3cret'), said);
  }
});

test('hdfs.user is refused beside a password or a delegation token', () => {
  const options = { nameNodes: ['https://a:1'], user: 'hdfs' };
  process.env['TEST_CLUSTERS_SECRET'] = 'pass:word';
  try {
    const variable = 'TEST_CLUSTERS_SECRET';
    assert.deepEqual(identityOf(options), { query: { 'user.name': 'hdfs' }, headers: {} });
    assert.deepEqual(identityOf({ ...options, basicAuth: { user: 'me', passwordVariable: variable } }), {
      query: {},
      headers: { authorization: `Basic ${Buffer.from('me:pass:word').toString('base64')}` },
    });
    assert.deepEqual(identityOf({ ...options, delegationTokenVariable: variable }), {
      query: { delegation: 'pass:word' },
      headers: {},
    });
  } finally {
    Reflect.deleteProperty(process.env, 'TEST_CLUSTERS_SECRET');
  }
});

test('a temporal.toml is read where it is named, and variables override it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'clusters-test-'));
  try {
    const file = join(folder, 'temporal.toml');
    writeFileSync(file, '[profile.default]\naddress = "a:1"\nnamespace = "b"\n');
    assert.deepEqual(temporalProfile({ HOME: folder, TEMPORAL_NAMESPACE: '' }).address, undefined);
    const { address, namespace } = temporalProfile({ TEMPORAL_CONFIG_FILE: file, TEMPORAL_NAMESPACE: 'c' });
    assert.deepEqual({ address, namespace }, { address: 'a:1', namespace: 'c' });
    const gone = refusal(() => temporalProfile({ TEMPORAL_CONFIG_FILE: `${file}.gone` }));
    assert.match(gone, /^SETTINGS_INVALID: .*temporal\.toml\.gone, which does not exist/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
