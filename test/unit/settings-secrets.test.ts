import assert from 'node:assert/strict';
import test from 'node:test';
import { stringify } from 'yaml';
import { z } from 'zod';
import { PipelineError } from '../../model/errors.ts';
import { parseSettings, Settings } from '../../model/settings.ts';

/** Secrets that people put into the wrong place: a password, a token, a key, a URL with a login. */
const SECRETS = [
  'hunter2hunter2',
  'S3CRET-tok3n',
  'KAAKAmhkZnMFYWRtaW4AigGZ',
  'AKIAIOSFODNN7EXAMPLE',
  'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl',
  'https://guest:S3CRET-tok3n@example.com:8443/x',
  'http://example.com:9870/?token=S3CRET-tok3n',
  '-----BEGIN PRIVATE KEY-----\nS3CRET-tok3n\n-----END PRIVATE KEY-----',
] as const;
/** Their parts that no message may contain. */
const FORBIDDEN = /hunter2|S3CRET|KAAKA|AKIA|eyJ/i;

interface Tree {
  [key: string]: Tree | string | number | boolean | (string | number)[];
}

const TLS = { caFile: 'ca.pem', certificateFile: 'a.pem', keyFile: 'b.pem' };

const PAGED = { url: 'https://a/', topic: 'attempts', records: 'data.items' };
const POST = { method: 'POST', query: { a: '{from}' }, headers: { a: '{to}' }, body: { a: ['{cursor}', 1] } };

/** Sources with a value for each key of paging and of each login. */
const PAGED_SOURCES = {
  link: {
    ...PAGED,
    tokenFile: 'a',
    paging: { style: 'link', next: 'a.b', hasMore: 'c', total: 'd', maxPages: 5 },
  },
  cursor: {
    ...PAGED,
    request: POST,
    paging: { style: 'cursor', cursor: 'a' },
    auth: { type: 'basic', user: 'me', passwordVariable: 'A' },
  },
  page: {
    ...PAGED,
    paging: { style: 'page', parameter: 'page', first: 0 },
    auth: { type: 'api-key', header: 'x-api-key', keyFile: 'key' },
  },
  offset: {
    ...PAGED,
    paging: { style: 'offset', parameter: 'offset' },
    auth: { type: 'api-key', query: 'key', keyVariable: 'A' },
  },
  header: {
    ...PAGED,
    paging: { style: 'header' },
    auth: {
      type: 'oauth2',
      tokenUrl: 'https://b/token',
      clientId: 'me',
      clientSecretVariable: 'A',
      scope: 'read',
      clientAuth: 'body',
    },
  },
} satisfies Tree;

/** Settings with a value for each key. */
const WHOLE = {
  temporal: {
    address: '127.0.0.1:7233',
    namespace: 'default',
    taskQueue: 'ingest',
    uiUrl: 'http://a',
    allowCleartext: true,
  },
  kafka: {
    brokers: ['127.0.0.1:9092'],
    partitions: 1,
    replicationFactor: 1,
    markerTopic: 'pipeline-markers',
    markerRetention: '400d',
    tls: { ...TLS, serverName: 'kafka' },
    sasl: { mechanism: 'plain', user: 'me', passwordVariable: 'A' },
    allowCleartext: true,
  },
  hdfs: {
    nameNodes: ['https://127.0.0.1:9870'],
    user: 'hdfs',
    tls: TLS,
    basicAuth: { user: 'me', passwordVariable: 'A' },
    allowCleartext: true,
    warehouse: '/warehouse',
    fileMode: '0640',
    directoryMode: '0750',
  },
  worker: { staging: 'x', stagingBytes: 1, threads: 1, healthPort: 0, healthHost: '127.0.0.1' },
  limits: {
    contentBytes: 1,
    recordBytes: 1,
    batchBytes: 1,
    batchMessages: 1,
    batchDecodedBytes: 2 ** 28,
    checkpointInterval: 1,
  },
  maintenance: {
    targetBytes: 2 ** 20,
    openPartitionFiles: 5,
    logRetention: '1d',
    fileRetention: '1d',
    transactionRetention: '400d',
    schedule: { cron: '0 0 * * *', timezone: 'UTC' },
  },
  erasure: { keyVariable: 'A' },
  sources: {
    pearson: {
      url: 'http://a/?from={from}',
      format: 'ndjson',
      topic: 'attempts',
      tokenVariable: 'A',
      allowCleartext: true,
      redirectHosts: ['files.example.com'],
      allowAddresses: ['10.0.0.0/8'],
      quarantineLimit: 0.1,
      schedule: { every: '1h', catchUp: '1d', paused: true, note: 'a note' },
    },
    ...PAGED_SOURCES,
  },
} satisfies Tree;

/** Returns the error by which settings are refused; `none` when they are valid. */
function refusal(text: string): string {
  try {
    parseSettings(text, 'pipeline.yaml');
    return 'none';
  } catch (error) {
    assert.ok(error instanceof PipelineError, String(error));
    assert.equal(error.code, 'SETTINGS_INVALID');
    assert.equal(error.cause, undefined);
    return error.message;
  }
}

/** Changes each place of the tree in turn: replaces each value, and adds a key to each object. */
function* changed(tree: Tree, secret: string): Generator<Tree> {
  for (const value of ['a value', secret]) yield { ...tree, [secret]: value };
  for (const unknown of ['password', 'token', 'auth']) yield { ...tree, [unknown]: secret };
  yield { ...tree, [`token:${secret}`]: '' };
  for (const [key, value] of Object.entries(tree)) {
    for (const wrong of [secret, [secret], { token: secret }, { [secret]: 1 }])
      yield { ...tree, [key]: wrong };
    if (typeof value !== 'object' || Array.isArray(value)) continue;
    for (const below of changed(value, secret)) yield { ...tree, [key]: below };
  }
}

test('the settings of the test are valid, and have a value for each section and source key', () => {
  assert.equal(refusal(stringify(WHOLE)), 'none');
  const schema = z.toJSONSchema(Settings, { io: 'input' });
  assert.deepEqual(Object.keys(schema.properties ?? {}).sort(), Object.keys(WHOLE).sort());
});

test('no error about the settings shows a secret, anywhere in the file', () => {
  let refused = 0;
  for (const secret of SECRETS) {
    for (const tree of changed(WHOLE, secret)) {
      // A valid source name is no secret: errors about the source contain it.
      if (Object.hasOwn(tree['sources'] as Tree, secret) && secret === 'hunter2hunter2') continue;
      const said = refusal(stringify(tree));
      if (said !== 'none') refused += 1;
      assert.doesNotMatch(said, FORBIDDEN);
    }
  }
  assert.ok(refused > 1_000, `${refused} were refused`);
});

test('no error about the syntax quotes the file', () => {
  const breaks = [
    '"',
    "'",
    '[',
    '{',
    '}',
    ']',
    ': :',
    '- ',
    '\t',
    '*',
    '&',
    '!',
    '%',
    '@',
    '`',
    '|x',
    '>',
    '"\\x',
  ];
  for (const secret of SECRETS) {
    for (const broken of breaks) {
      const texts = [
        `${broken}${secret}`,
        `${secret}${broken}`,
        `kafka:\n  password: ${broken}${secret}\nsources: {}`,
        `kafka: {password: ${secret}${broken}\nsources: {}`,
        `kafka:\n  ${secret} ${broken}\n tls: x\nsources: {}`,
        `kafka: ${secret}\n  partitions: 2\nsources: {}`,
        `%${secret}\n---\nsources: {}`,
        `kafka: *${secret}\nsources: {}`,
        `kafka: !${secret} 3\nsources: {}`,
      ];
      for (const text of texts) assert.doesNotMatch(refusal(text), FORBIDDEN, JSON.stringify(text));
    }
  }
});

test('a hidden value is located by its line', () => {
  const said = refusal(
    'kafka:\n  partitions: 2\n  sasl:\n    mechanism: plain\n    password: s3cret\nsources: {}',
  );
  assert.match(said, /kafka\.sasl: has keys that do not exist: password \(line 4\)/);
  assert.match(
    refusal('kafka:\n  partitions: open sesame\nsources: {}'),
    /kafka\.partitions: hidden: .* \(line 2\)/,
  );
});

test('a token in place of its variable’s name is refused, also one of capitals and digits', () => {
  const refused = (name: string): string =>
    refusal(`sources: { pearson: { topic: a, tokenVariable: ${name} } }`);
  for (const name of ['AKIAIOSFODNN7EXAMPLE', 'JBSWY3DPEHPK3PXP', 's3cret'])
    assert.match(refused(name), /tokenVariable: hidden: must be the name of an environment variable/);
  for (const name of [
    'PEARSON_TOKEN',
    'A',
    'TOKEN2',
    'CUSTOMER_2_API_TOKEN_OF_2026',
    'PEARSONTOKENOFTHEPIPELINE',
  ])
    assert.equal(refused(name), 'none', name);
});
