import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { connectTemporal, temporalConnection } from '../../adapters/temporal.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { Authority, type Certificate } from '../support/certificates.ts';
import { codeOf, runPipelineCommand, SERVERS, TestPipeline } from '../support/harness.ts';
import { TemporalGateway } from '../support/temporal-gateway.ts';

const API_KEY = 'a-key-that-nobody-may-see';

describe('a Temporal that requires TLS, a client certificate and an API key', () => {
  let folder: string;
  let authority: Authority;
  let client: Certificate;
  let gateway: TemporalGateway;
  const started: TemporalGateway[] = [];

  async function start(certificate: Certificate, guarded = true): Promise<TemporalGateway> {
    const wants = guarded ? { clientCaFile: authority.caFile, apiKey: API_KEY } : {};
    const one = await TemporalGateway.start({ certificate, temporal: SERVERS.temporal, ...wants });
    started.push(one);
    return one;
  }

  /** The variables that a worker or a command needs. */
  function environment(): Record<string, string> {
    return {
      TEMPORAL_ADDRESS: gateway.address,
      TEMPORAL_API_KEY: API_KEY,
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: authority.caFile,
      TEMPORAL_TLS_CLIENT_CERT_PATH: client.certificateFile,
      TEMPORAL_TLS_CLIENT_KEY_PATH: client.keyFile,
    };
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'secure-temporal-'));
    authority = await Authority.make(folder, 'authority');
    client = await authority.sign('client');
    gateway = await start(await authority.sign('server'));
  });

  after(async () => {
    for (const one of started) await one.stop();
    await rm(folder, { recursive: true });
  });

  test('the worker and the command line connect as the environment says, which overrides pipeline.yaml', async () => {
    const taskQueue = `secure-${process.pid}`;
    const pipeline = await TestPipeline.create(
      { feed: { url: 'file:feed.json' } },
      { temporal: { taskQueue } },
      { temporal: { address: 'localhost:1' } },
    );
    try {
      await pipeline.placeFiles({
        'feed.json': JSON.stringify([...generateAttempts({ seed: 11, count: 50 })]),
      });
      const worker = await pipeline.startWorker('one', environment());
      const own = { PIPELINE_CONFIG: await pipeline.settingsOf('one') };
      const run = await runPipelineCommand(['start', 'feed', '--follow'], { ...environment(), ...own });
      assert.equal(run.code, 0, run.stderr);
      assert.match(run.stdout, /feed landed/);
      const methods = new Set(gateway.calls.map(({ method }) => method));
      for (const method of [
        'StartWorkflowExecution',
        'PollWorkflowTaskQueue',
        'RespondActivityTaskCompleted',
      ]) {
        assert.ok(methods.has(method), `${method} came through`);
      }
      assert.deepEqual(
        [...new Set(gateway.calls.map(({ authorization }) => authorization))],
        [`Bearer ${API_KEY}`],
      );
      assert.equal(await worker.drain(), 0);
      for (const text of [readFileSync(worker.log, 'utf8'), run.stdout, run.stderr]) {
        assert.ok(!text.includes(API_KEY));
      }
    } finally {
      await pipeline.close();
    }
  });

  test('a named profile of a temporal.toml has the same effect', async () => {
    const file = join(folder, 'temporal.toml');
    const env = environment();
    const profile = {
      address: env['TEMPORAL_ADDRESS'],
      namespace: 'default',
      api_key: API_KEY,
    };
    const tls = {
      server_ca_cert_path: authority.caFile,
      client_cert_path: client.certificateFile,
      client_key_path: client.keyFile,
    };
    const lines = (values: Record<string, string | undefined>): string =>
      Object.entries(values)
        .map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`)
        .join('');
    await writeFile(file, `[profile.cloud]\n${lines(profile)}[profile.cloud.tls]\n${lines(tls)}`);
    const settings = join(folder, 'pipeline.yaml');
    await writeFile(settings, 'temporal:\n  address: localhost:1\nsources: {}\n');
    const named = { PIPELINE_CONFIG: settings, TEMPORAL_CONFIG_FILE: file };
    const found = await runPipelineCommand(['status'], { ...named, TEMPORAL_PROFILE: 'cloud' });
    assert.equal(found.code, 0, found.stderr);
    const missing = await runPipelineCommand(['status'], { ...named, TEMPORAL_PROFILE: 'clouds' });
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /SETTINGS_INVALID: .*Profile 'clouds' not found/);
    await writeFile(file, `[profile.cloud]\napi_key = "${API_KEY}\n`);
    const broken = await runPipelineCommand(['status'], { ...named, TEMPORAL_PROFILE: 'cloud' });
    assert.match(broken.stderr, /SETTINGS_INVALID: .*temporal\.toml: Invalid TOML/);
    assert.ok(!broken.stderr.includes(API_KEY));
  });

  test('each connection error has its own message', async () => {
    const expired = await start(await authority.sign('expired', { days: -1 }), false);
    const other = await start(await authority.sign('other', { names: ['DNS:temporal.example.com'] }), false);
    const others = await Authority.make(folder, 'others');
    const env = environment();
    const ca = { TEMPORAL_TLS_SERVER_CA_CERT_PATH: authority.caFile };
    const cases: readonly [string, Record<string, string>, RegExp][] = [
      [gateway.address, env, /^none$/],
      [other.address, { ...ca, TEMPORAL_TLS_SERVER_NAME: 'temporal.example.com' }, /^none$/],
      [
        gateway.address,
        { ...env, TEMPORAL_API_KEY: 'another' },
        /^TEMPORAL_REFUSED: .*it does not accept the API key or the certificate: who are you/,
      ],
      [
        gateway.address,
        { ...ca, TEMPORAL_API_KEY: API_KEY },
        /^TEMPORAL_REFUSED: .*does not accept our certificate, or wants one and got none/,
      ],
      [
        gateway.address,
        { ...env, TEMPORAL_TLS_SERVER_CA_CERT_PATH: others.caFile },
        /^TEMPORAL_REFUSED: .*signed by an authority that is not trusted/,
      ],
      [expired.address, ca, /^TEMPORAL_REFUSED: .*its certificate has expired/],
      [other.address, ca, /^TEMPORAL_REFUSED: .*its certificate is for another name/],
      [gateway.address, {}, /^TEMPORAL_REFUSED: .*spoken to without TLS, but this port speaks TLS/],
      [SERVERS.temporal, ca, /^TEMPORAL_REFUSED: .*spoken to with TLS, but this port speaks no TLS/],
      ['localhost:1', {}, /^TEMPORAL_UNREACHABLE: .*it refused the connection/],
      ['temporal.invalid:7233', {}, /^TEMPORAL_UNREACHABLE: .*its name is not known/],
      [
        gateway.address,
        { ...ca, TEMPORAL_TLS_CLIENT_CERT_PATH: client.certificateFile },
        /^SETTINGS_INVALID: .*a client certificate and its key go together/,
      ],
      [
        gateway.address,
        { TEMPORAL_TLS_SERVER_CA_CERT_PATH: `${authority.caFile}.gone` },
        /^SETTINGS_INVALID: .*authority\.pem\.gone/,
      ],
      [
        'temporal.example.com:7233',
        { TEMPORAL_API_KEY: API_KEY, TEMPORAL_TLS: 'false' },
        /^SETTINGS_INVALID: the API key of Temporal .*temporal\.example\.com without TLS/,
      ],
      [
        'temporal.example.com:7233',
        { TEMPORAL_GRPC_META_AUTHORIZATION: API_KEY },
        /^SETTINGS_INVALID: the gRPC metadata authorization .*temporal\.example\.com without TLS/,
      ],
      [SERVERS.temporal, { TEMPORAL_API_KEY: API_KEY, TEMPORAL_TLS: 'false' }, /^none$/],
    ];
    const outcomes = await Promise.all(
      cases.map(async ([address, variables, says]) => {
        const options = { address, namespace: 'default', taskQueue: 'ingest', uiUrl: '' };
        const attempt = async (): Promise<void> => {
          const connection = await connectTemporal(temporalConnection(options, variables));
          await connection.close();
        };
        return { said: await codeOf(attempt()), says };
      }),
    );
    for (const { said, says } of outcomes) {
      assert.match(said, says);
      assert.ok(!said.includes(API_KEY));
    }
  });
});
