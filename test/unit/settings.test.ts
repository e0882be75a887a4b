import assert from 'node:assert/strict';
import test from 'node:test';
import { PipelineError } from '../../model/errors.ts';
import { parseSettings } from '../../model/settings.ts';

/** Returns the error by which settings are refused; `none` when they are valid. */
function faultOf(yaml: string): string {
  try {
    parseSettings(yaml, 'pipeline.yaml');
    return 'none';
  } catch (error) {
    assert(error instanceof PipelineError && error.code === 'SETTINGS_INVALID');
    return error.message;
  }
}

test('names of sources that need escaping in folders, ids or URLs are refused by name', () => {
  for (const name of ['a b', 'a/b', '..', '.', 'a%20b', 'é', '中', 'A', '', '-a', 'a'.repeat(64)]) {
    const yaml = `sources: { ${JSON.stringify(name)}: { topic: t } }`;
    assert.match(faultOf(yaml), /must be 1 to 63 of a-z, 0-9, _ and -/, name);
  }
  assert.match(faultOf('sources: { __proto__: { topic: t } }'), /has the key __proto__/);
  assert.equal(faultOf(`sources: { 0a_b-c: { topic: t }, ${'a'.repeat(63)}: { topic: t } }`), 'none');
});

test('names of topics that Kafka does not accept are refused by name', () => {
  for (const topic of ['a b', 'a/b', '.', '..', 'a%b', 'é', '中', '', 'a'.repeat(201)]) {
    const yaml = `sources: { pearson: { topic: ${JSON.stringify(topic)} } }`;
    assert.match(faultOf(yaml), /sources\.pearson\.topic: .*must be 1 to 200 of A-Z/, topic);
  }
});

test('a warehouse folder that needs escaping, or leads elsewhere, is refused by name', () => {
  for (const warehouse of ['warehouse', '/a b', '/é', '/a%2fb', '/', '/a//b', '/a/../b', '/..', '/a/.']) {
    const yaml = `hdfs: { warehouse: ${JSON.stringify(warehouse)} }\nsources: {}`;
    assert.match(faultOf(yaml), /hdfs\.warehouse: .*must be an absolute path/, warehouse);
  }
});

test('a source cannot have the topic of markers, nor can markers expire within a day', () => {
  const fault = (topic: string): string =>
    faultOf(`kafka: { markerTopic: the.markers }\nsources: { own: { topic: ${topic} } }`);
  assert.match(
    fault('the_markers'),
    /sources\.own\.topic: .*must not be kafka\.markerTopic \(the\.markers\)/,
  );
  assert.equal(fault('others'), 'none');
  assert.match(faultOf('kafka: { markerRetention: 1h }\nsources: {}'), /at least 1d/);
  assert.match(faultOf('maintenance: { transactionRetention: 7d }\nsources: {}'), /at least 30d/);
});

test('a password or delegation token for another host requires TLS, unless allowCleartext is set', () => {
  const plain = 'sasl: { mechanism: plain, user: me, passwordVariable: A_VARIABLE }';
  const basic = 'basicAuth: { user: me, passwordVariable: A_VARIABLE }';
  const token = 'delegationTokenVariable: A_VARIABLE';
  for (const [section, secret, key, remote, here] of [
    [
      'kafka',
      plain,
      'sasl',
      'brokers: [127.0.0.1:9092, kafka.example.com:9092]',
      'brokers: [127.0.0.1:9092]',
    ],
    ['hdfs', basic, 'basicAuth', 'nameNodes: [http://hdfs.example.com]', 'nameNodes: [http://localhost]'],
    [
      'hdfs',
      token,
      'delegationTokenVariable',
      'nameNodes: [https://hdfs.example.com, http://hdfs.example.com]',
      'nameNodes: [https://hdfs.example.com]',
    ],
  ] as const) {
    const fault = (...keys: readonly string[]): string =>
      faultOf(`${section}: { ${[secret, ...keys].join(', ')} }\nsources: {}`);
    const refused = new RegExp(
      `${section}\\.${key}: .*\\.example\\.com without TLS.*${section}\\.allowCleartext: true`,
    );
    assert.match(fault(remote), refused);
    assert.match(fault(remote, 'allowCleartext: false'), refused);
    assert.equal(fault(remote, 'allowCleartext: true'), 'none');
    assert.equal(fault(here), 'none');
  }
  const login = (mechanism: string, tls: string): string =>
    faultOf(
      `kafka: { brokers: [kafka.example.com:9093], sasl: { mechanism: ${mechanism}, user: me, passwordVariable: A_VARIABLE }${tls} }\nsources: {}`,
    );
  assert.equal(login('plain', ', tls: {}'), 'none');
  assert.equal(login('scram-sha-512', ''), 'none');
});

test('unknown keys, missing keys and wrong values are reported together', () => {
  const said = faultOf('kafka: { broker: x, partitions: none }\nsources: { pearson: {} }');
  assert.match(said, /kafka: has keys that do not exist: broker/);
  assert.match(said, /kafka\.partitions: "none"/);
  assert.match(said, /sources\.pearson\.topic: missing/);
});

test('invalid YAML is refused with its position', () => {
  assert.match(faultOf('sources: {'), /pipeline\.yaml is not YAML: .* at line 1/);
});

const SCHEDULES: readonly (readonly [schedule: string, says: RegExp])[] = [
  ['{}', /sources\.pearson\.schedule: \{\}: give one of every, as 15m, and cron, as "0 3/],
  ['{ every: 1h, cron: "0 3 * * *" }', /sources\.pearson\.schedule: .*: give one of every/],
  ['{ every: hourly }', /sources\.pearson\.schedule\.every: "hourly": must be a duration/],
  ['{ every: 15 }', /sources\.pearson\.schedule\.every: 15: /],
  ['{ every: 1h, timezone: UTC }', /sources\.pearson\.schedule\.timezone: "UTC": belongs to cron/],
  ['{ cron: "0 3 * * *", interval: 1d, timezone: Berlin }', /schedule\.timezone: "Berlin": must be a time/],
  ['{ cron: "0 3 * * *" }', /sources\.pearson\.schedule: .*give interval, the length/],
  ['{ every: 1h, interval: none }', /sources\.pearson\.schedule\.interval: "none": .*needs an interval/],
  ['{ every: 1h, catchUp: 1s }', /sources\.pearson\.schedule\.catchUp: "1s": must be at least 10s/],
  ['{ every: 1h, paused: yes }', /sources\.pearson\.schedule\.paused: "yes": /],
  ['{ every: 1h, note: "" }', /sources\.pearson\.schedule\.note: "": /],
  ['{ evry: 1h }', /sources\.pearson\.schedule: has keys that do not exist: evry/],
];

test('an invalid schedule is refused, naming the source and the key', () => {
  const yaml = (schedule: string): string =>
    `sources: { pearson: { url: "http://customer/?from={from}", topic: t, schedule: ${schedule} } }`;
  for (const [schedule, says] of SCHEDULES) assert.match(faultOf(yaml(schedule)), says, schedule);
  for (const schedule of ['{ every: 1h }', '{ cron: "0 3 * * *", interval: 1d, timezone: Europe/Berlin }'])
    assert.equal(faultOf(yaml(schedule)), 'none');
});
