import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import kafkajs, { type AclEntry } from 'kafkajs';
import { withAdmin, type KafkaOptions, type KafkaWithMarkers } from '../../adapters/kafka/client.ts';
import { ensureMarkerTopic } from '../../adapters/kafka/marker-topic.ts';
import { createLogger } from '../../adapters/log.ts';
import type { OutgoingMessage } from '../../adapters/kafka/outgoing-message.ts';
import { readRanges } from '../../adapters/kafka/read.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { Authority, type Certificate } from '../support/certificates.ts';
import { codeOf, TestPipeline } from '../support/harness.ts';
import { OPTIONS } from '../support/kafka-topic.ts';
import { SecureKafka, STRANGER, UNKNOWN_LOOPBACK, USER } from '../support/secure-kafka.ts';
import { publishOnce } from '../support/publish-once.ts';

const VARIABLE = 'TEST_KAFKA_PASSWORD';
const STRANGERS = 'TEST_KAFKA_STRANGERS_PASSWORD';
const WRONG = 'TEST_KAFKA_WRONG_PASSWORD';
const SECRETS = { [VARIABLE]: USER.password, [STRANGERS]: STRANGER.password, [WRONG]: 'open barley' };

describe('a Kafka that requires TLS and SASL', () => {
  let kafka: SecureKafka;
  let caFile: string;
  let client: Certificate;
  let others: Authority;

  before(async () => {
    Object.assign(process.env, SECRETS);
    kafka = await SecureKafka.start();
    ({ caFile } = kafka.authority);
    client = await kafka.authority.sign('client');
    others = await Authority.make(kafka.folder, 'others');
  });

  after(async () => {
    await kafka.stop();
    for (const name of Object.keys(SECRETS)) Reflect.deleteProperty(process.env, name);
  });

  const login = (
    passwordVariable = VARIABLE,
    user: string = USER.name,
  ): NonNullable<KafkaOptions['sasl']> => ({
    mechanism: 'scram-sha-512',
    user,
    passwordVariable,
  });

  /** Returns the error of listing the topics; `none` if there is none. */
  async function outcome(broker: string, security: Partial<KafkaOptions>): Promise<string> {
    const options = { brokers: [broker], logger: createLogger('test', 'fatal'), ...security };
    const said = await codeOf(withAdmin(options, (admin) => admin.listTopics()));
    for (const secret of Object.values(SECRETS)) assert.ok(!said.includes(secret), said);
    return said;
  }

  test('a whole run and verify use it', async () => {
    const { listeners, folder } = kafka;
    const pipeline = await TestPipeline.create(
      { feed: { url: 'file:feed.json' } },
      {
        kafka: {
          brokers: [listeners.login],
          partitions: 2,
          tls: { caFile: join('..', basename(folder), basename(caFile)) },
          sasl: login(),
        },
      },
    );
    try {
      await pipeline.placeFiles({
        'feed.json': JSON.stringify([...generateAttempts({ seed: 5, count: 200 })]),
      });
      const worker = await pipeline.startWorker();
      const run = await pipeline.command('start', 'feed', '--follow');
      assert.equal(run.code, 0, run.stderr);
      const proof = await pipeline.command('verify');
      assert.match(proof.stdout, /^verified: \d+ offsets = 200 deliveries \+ 0 quarantined/m);
      for (const text of [readFileSync(worker.log, 'utf8'), run.stdout, run.stderr, proof.stderr]) {
        assert.ok(!text.includes(USER.password));
      }
    } finally {
      await pipeline.close();
    }
  });

  test('each SASL mechanism works, and a client certificate', async () => {
    for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512'] as const) {
      const sasl = { ...login(), mechanism };
      assert.equal(await outcome(kafka.listeners.login, { tls: { caFile }, sasl }), 'none', mechanism);
    }
    assert.equal(await outcome(kafka.listeners.clientCertificate, { tls: { caFile, ...client } }), 'none');
    const tls = { caFile, serverName: 'kafka.example.com' };
    assert.equal(await outcome(kafka.listeners.elsewhere, { tls }), 'none');
  });

  /** A misconfiguration, the options of the client, and the error. */
  const wrongs: readonly [string, () => Promise<string>, RegExp][] = [
    [
      'a wrong password',
      () => outcome(kafka.listeners.login, { tls: { caFile }, sasl: login(WRONG) }),
      /^KAFKA_REFUSED: .*the user or the password is wrong/,
    ],
    [
      'another way to log in than the broker’s',
      () => outcome(kafka.listeners.clientCertificate, { tls: { caFile, ...client }, sasl: login() }),
      /^KAFKA_REFUSED: .*this port asks for no login, but kafka\.sasl is set/,
    ],
    [
      'no login',
      () => outcome(kafka.listeners.login, { tls: { caFile } }),
      /^KAFKA_UNREACHABLE: .*closed the connection without an answer, as one that asks for a login/,
    ],
    [
      'an authority that is not trusted',
      async () => outcome(kafka.listeners.login, { tls: { caFile: others.caFile }, sasl: login() }),
      /^KAFKA_REFUSED: .*localhost:\d+: its certificate is signed by an authority that is not trusted/,
    ],
    [
      'TLS to a plain port',
      () => outcome(kafka.listeners.plain, { tls: { caFile } }),
      /^KAFKA_UNREACHABLE: .*closed the connection when TLS began, as a port that speaks no TLS does/,
    ],
    [
      'no TLS to a port that speaks TLS',
      () => outcome(kafka.listeners.login, { sasl: login() }),
      /^KAFKA_REFUSED: .*spoken to without TLS, but this port speaks TLS/,
    ],
    [
      'no client certificate where one is wanted',
      () => outcome(kafka.listeners.clientCertificate, { tls: { caFile } }),
      /^KAFKA_REFUSED: .*does not accept our certificate, or wants one and got none/,
    ],
    [
      'a certificate that has expired',
      () => outcome(kafka.listeners.expired, { tls: { caFile } }),
      /^KAFKA_REFUSED: .*its certificate has expired/,
    ],
    [
      'a certificate of another host',
      () => outcome(kafka.listeners.elsewhere, { tls: { caFile } }),
      /^KAFKA_REFUSED: .*its certificate is for another name/,
    ],
    [
      'a port on which nothing listens',
      () => outcome('localhost:1', {}),
      /^KAFKA_UNREACHABLE: .*it refused the connection/,
    ],
    [
      'a name that is not known',
      () => outcome('kafka.invalid:9092', {}),
      /^KAFKA_UNREACHABLE: .*kafka\.invalid:9092: its name is not known/,
    ],
    [
      'a variable that is not set',
      () => outcome(kafka.listeners.login, { tls: { caFile }, sasl: login('TEST_KAFKA_UNSET') }),
      /^SETTINGS_INVALID: .*TEST_KAFKA_UNSET.* is not set/,
    ],
    [
      'a file that is not there',
      () => outcome(kafka.listeners.login, { tls: { caFile: `${caFile}.gone` }, sasl: login() }),
      /^SETTINGS_INVALID: kafka\.tls\.caFile: .*authority\.pem\.gone/,
    ],
  ];

  test('a password is sent without TLS to this machine only, also to advertised brokers', async () => {
    const bootstrap = kafka.listeners.cleartext;
    const remote = bootstrap.replace('localhost', UNKNOWN_LOOPBACK);
    const plain = { sasl: { ...login(), mechanism: 'plain' as const } };
    const refused = new RegExp(`^SETTINGS_INVALID: .*kafka\\.sasl .*${UNKNOWN_LOOPBACK} without TLS`);
    assert.match(await outcome(remote, plain), refused);
    // The broker of the settings is this machine; the one that the cluster names is not.
    assert.match(await outcome(bootstrap, plain), refused);
    assert.equal(await outcome(bootstrap, { ...plain, allowCleartext: true }), 'none');
    assert.equal(await outcome(bootstrap, { sasl: login() }), 'none');
  });

  test('each connection error has its own message', async (context) => {
    const tried = await Promise.all(
      wrongs.map(async ([name, attempt, says]) => [name, await attempt(), says] as const),
    );
    for (const [name, said, says] of tried)
      await context.test(name, () => {
        assert.match(said, says);
      });
  });

  test('a user without ACLs on a topic gets an error, and needs no more than those of docs/clusters.md', async () => {
    const topic = 'of-others';
    const logger = createLogger('test', 'fatal');
    const own: KafkaWithMarkers = {
      ...OPTIONS,
      brokers: [kafka.listeners.login],
      tls: { caFile },
      logger,
    };
    await withAdmin({ ...own, sasl: login() }, async (admin) => {
      await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
      await ensureMarkerTopic({ ...own, sasl: login() }, admin);
    });
    const stranger = { ...own, sasl: login(STRANGERS, STRANGER.name) };
    const publish = publishOnce(stranger, { id: 'a-set', topic, messages: oneMessage() });
    assert.match(
      await codeOf(publish),
      /^KAFKA_REFUSED: topic of-others.*: the user has no right to do this/,
    );

    await withAdmin({ ...own, sasl: login() }, (admin) =>
      admin.createAcls({ acl: aclsOf(topic, own.markerTopic) }),
    );
    const again = { id: 'another-set', topic, messages: oneMessage() };
    const { ends } = await publishOnce(stranger, again);
    const read = { isFull: () => false, idleTimeoutMs: 10_000, signal: new AbortController().signal };
    const offsets: string[] = [];
    await readRanges(
      stranger,
      { topic, ranges: [{ partition: 0, start: '0', end: ends[0] ?? '' }] },
      {
        ...read,
        onMessages: (_, found) => {
          offsets.push(...found.map(({ offset }) => String(offset)));
          return Promise.resolve();
        },
      },
    );
    assert.deepEqual(offsets, ['0']);
  });
});

async function* oneMessage(): AsyncGenerator<OutgoingMessage[]> {
  yield await Promise.resolve([{ key: 'a', value: Buffer.from('b'), headers: {} }]);
}

/** The rights of the table in docs/clusters.md. */
function aclsOf(...topics: readonly string[]): AclEntry[] {
  const { AclOperationTypes: may, AclResourceTypes: on, ResourcePatternTypes: by } = kafkajs;
  const topicRights = [may.READ, may.WRITE, may.DESCRIBE, may.DESCRIBE_CONFIGS];
  const rights: readonly (readonly [AclEntry['resourceType'], string, boolean, AclEntry['operation'][]])[] = [
    ...topics.map((topic) => [on.TOPIC, topic, false, topicRights] as const),
    [on.TRANSACTIONAL_ID, 'publish:', true, [may.WRITE, may.DESCRIBE]],
  ];
  return rights.flatMap(([resourceType, resourceName, isPrefix, operations]) =>
    operations.map((operation) => ({
      resourceType,
      resourceName,
      resourcePatternType: isPrefix ? by.PREFIXED : by.LITERAL,
      principal: `User:${STRANGER.name}`,
      host: '*',
      operation,
      permissionType: kafkajs.AclPermissionTypes.ALLOW,
    })),
  );
}
