import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { Auditor } from '../../adapters/auditor/auditor.ts';
import type { HdfsOptions } from '../../adapters/hdfs/access.ts';
import { WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { Authority } from '../support/certificates.ts';
import { Gateway, type Seen } from '../support/gateway.ts';
import { codeOf, SERVERS, TestPipeline } from '../support/harness.ts';

const PASSWORD = 'open sesame: ü';
const TOKEN = 'KAAKAmhkZnMFYWRtaW4AigGZ';
const VARIABLES = {
  TEST_HDFS_PASSWORD: PASSWORD,
  TEST_HDFS_WRONG_PASSWORD: 'open barley',
  TEST_HDFS_TOKEN: TOKEN,
};
const LOGIN = `Basic ${Buffer.from(`guest:${PASSWORD}`).toString('base64')}`;
const PATH = '/test/secure-hdfs/file';

const knowsPassword = ({ authorization }: Seen): boolean => authorization === LOGIN;

describe('an HDFS behind an HTTPS gateway', () => {
  let folder: string;
  let authority: Authority;
  let gateway: Gateway;
  const started: Gateway[] = [];
  const direct = new WebHdfs({ nameNodes: [SERVERS.nameNode], user: 'hdfs' });

  async function start(options: Partial<Parameters<typeof Gateway.start>[0]> = {}): Promise<Gateway> {
    const certificate = await authority.sign(`gateway-${started.length}`);
    const nameNode = SERVERS.nameNode;
    const one = await Gateway.start({ certificate, nameNode, admits: knowsPassword, ...options });
    started.push(one);
    return one;
  }

  /** How to come to a gateway with the password that it knows. */
  function known(nameNode: string, more: Partial<HdfsOptions> = {}): HdfsOptions {
    return {
      nameNodes: [nameNode],
      user: 'hdfs',
      tls: { caFile: authority.caFile },
      basicAuth: { user: 'guest', passwordVariable: 'TEST_HDFS_PASSWORD' },
      ...more,
    };
  }

  /** Returns the error of a file status; `none` if there is none. */
  async function outcome(options: HdfsOptions): Promise<string> {
    const said = await codeOf(
      (async () => new WebHdfs({ ...options, retry: { attempts: 2, backoffMs: 10 } }).status(PATH))(),
    );
    for (const secret of Object.values(VARIABLES)) assert.ok(!said.includes(secret), said);
    return said;
  }

  before(async () => {
    Object.assign(process.env, VARIABLES);
    folder = await mkdtemp(join(tmpdir(), 'secure-hdfs-'));
    authority = await Authority.make(folder, 'authority');
    gateway = await start();
  });

  after(async () => {
    await Promise.all(started.map((one) => one.stop()));
    await direct.delete('/test/secure-hdfs', { recursive: true });
    await rm(folder, { recursive: true });
    for (const name of Object.keys(VARIABLES)) Reflect.deleteProperty(process.env, name);
  });

  test('a whole run and verify use it, and no request passes it without credentials', async () => {
    const { nameNodes, tls, basicAuth } = known(gateway.address);
    const warehouse = `/test/secure-hdfs/warehouse-${process.pid}`;
    const pipeline = await TestPipeline.create(
      { feed: { url: 'file:feed.json' } },
      { hdfs: { nameNodes, tls, basicAuth, warehouse } },
    );
    try {
      await pipeline.placeFiles({
        'feed.json': JSON.stringify([...generateAttempts({ seed: 7, count: 200 })]),
      });
      const worker = await pipeline.startWorker();
      const run = await pipeline.command('start', 'feed', '--follow');
      assert.equal(run.code, 0, run.stderr);
      const before = gateway.seen.length;
      const proof = await pipeline.command('verify');
      assert.match(proof.stdout, /^verified: \d+ offsets = 200 deliveries \+ 0 quarantined/m, proof.stdout);
      assert.ok(gateway.seen.slice(before).some(({ url }) => url.pathname.includes('/data/v1/')));
      assert.ok(
        gateway.seen.some(({ method, url }) => method === 'PUT' && url.pathname.includes('/data/v1/')),
      );
      assert.deepEqual([...new Set(gateway.seen.map(({ authorization }) => authorization))], [LOGIN]);
      assert.ok(gateway.seen.every(({ url }) => !url.searchParams.has('user.name')));
      for (const text of [readFileSync(worker.log, 'utf8'), run.stdout, run.stderr, proof.stderr]) {
        assert.ok(!text.includes(PASSWORD) && !text.includes(LOGIN));
      }
    } finally {
      await pipeline.close();
    }
  });

  test('another server that it redirects to never gets the credentials, from the client or from the auditor', async () => {
    const elsewhere = await start({ admits: () => true });
    const leading = await start({ redirectTo: elsewhere.origin });
    const options = known(leading.address);
    const content = Buffer.from('what is written');
    await new WebHdfs(options).create(PATH, content);
    assert.deepEqual(await new WebHdfs(options).read(PATH), content);
    await new Auditor(options).read(PATH, join(folder, 'audited'));
    assert.deepEqual(await readFile(join(folder, 'audited')), content);
    assert.deepEqual(
      elsewhere.seen.map(({ method, authorization }) => ({ method, authorization })),
      ['PUT', 'GET', 'GET'].map((method) => ({ method, authorization: undefined })),
    );
    assert.ok(leading.seen.every(knowsPassword));
    await direct.delete(PATH);
  });

  test('a delegation token is sent in place of the user’s name, by the client and by the auditor', async () => {
    const guarded = await start({
      admits: ({ url }) => url.searchParams.get('delegation') === TOKEN || url.searchParams.has('_'),
    });
    const { tls } = known('');
    const options = {
      nameNodes: [guarded.address],
      user: 'hdfs',
      tls,
      delegationTokenVariable: 'TEST_HDFS_TOKEN',
    };
    const content = Buffer.from('what is written');
    await new WebHdfs(options).create(PATH, content);
    await new Auditor(options).read(PATH, join(folder, 'audited'));
    assert.deepEqual(await readFile(join(folder, 'audited')), content);
    assert.ok(guarded.seen.every(({ url }) => !url.searchParams.has('user.name')));
    await direct.delete(PATH);
  });

  test('a secret is sent without TLS to this machine only, also after a NameNode’s redirect', async () => {
    const token = { user: 'hdfs', delegationTokenVariable: 'TEST_HDFS_TOKEN' };
    const login = { user: 'hdfs', basicAuth: { user: 'guest', passwordVariable: 'TEST_HDFS_PASSWORD' } };
    for (const secret of [token, login]) {
      const cleartext = { ...secret, nameNodes: ['http://hdfs.example.com:9870'] };
      const refused = /^SETTINGS_INVALID: .*hdfs.*hdfs\.example\.com without TLS/;
      assert.match(await outcome(cleartext), refused);
      assert.match(
        await codeOf((async () => new Auditor(cleartext).read(PATH, join(folder, 'no')))()),
        refused,
      );
      assert.doesNotThrow(() => new WebHdfs({ ...cleartext, allowCleartext: true }));
    }
    const requests: string[] = [];
    const nameNode = createServer((request, response) => {
      requests.push(request.url ?? '');
      const location = `http://datanode.example.com:9864${request.url}`;
      response.writeHead(307, { location, 'content-length': 0 }).end();
    });
    await once(nameNode.listen(0, '127.0.0.1'), 'listening');
    try {
      const options = {
        ...token,
        nameNodes: [`http://127.0.0.1:${(nameNode.address() as AddressInfo).port}`],
      };
      const refused = /^SETTINGS_INVALID: the delegation token .*datanode\.example\.com without TLS/;
      assert.match(await codeOf(new WebHdfs(options).read(PATH)), refused);
      assert.match(await codeOf(new WebHdfs(options).create(PATH, Buffer.from('x'))), refused);
      assert.match(await codeOf(new Auditor(options).read(PATH, join(folder, 'no'))), refused);
      assert.equal(requests.length, 3);
    } finally {
      nameNode.close();
    }
  });

  test('each connection error has its own message', async () => {
    const expired = await start({ certificate: await authority.sign('expired', { days: -1 }) });
    const other = await start({
      certificate: await authority.sign('other', { names: ['DNS:knox.example.com'] }),
    });
    const others = await Authority.make(folder, 'others');
    const kerberos = createServer((_, response) => {
      response.writeHead(401, { 'www-authenticate': 'Negotiate' }).end();
    });
    await once(kerberos.listen(0, '127.0.0.1'), 'listening');
    const kerberosAt = `http://127.0.0.1:${(kerberos.address() as AddressInfo).port}`;
    const plain = (nameNode: string): HdfsOptions => ({ nameNodes: [nameNode], user: 'hdfs' });
    const wrong = { user: 'guest', passwordVariable: 'TEST_HDFS_WRONG_PASSWORD' };
    const unset = { user: 'guest', passwordVariable: 'TEST_HDFS_UNSET' };
    try {
      const cases: readonly [HdfsOptions, RegExp][] = [
        [known(gateway.address, { basicAuth: wrong }), /^HDFS_REFUSED: .*the user or the password is wrong/],
        [known(gateway.address, { basicAuth: unset }), /^SETTINGS_INVALID: .*TEST_HDFS_UNSET.* is not set/],
        [
          known(gateway.address, { tls: { caFile: others.caFile } }),
          /^HDFS_REFUSED: .*signed by an authority that is not trusted/,
        ],
        [known(expired.address), /^HDFS_REFUSED: .*its certificate has expired/],
        [known(other.address), /^HDFS_REFUSED: .*its certificate is for another name/],
        [
          known(SERVERS.nameNode.replace('http:', 'https:')),
          /^HDFS_REFUSED: .*spoken to with TLS, but this port speaks no TLS/,
        ],
        [
          plain(gateway.address.replace('https:', 'http:')),
          /^HDFS_REFUSED: .*spoken to without TLS, but this port speaks TLS/,
        ],
        [plain(kerberosAt), /^HDFS_REFUSED: .*it asks for Kerberos/],
        [plain('http://localhost:1'), /^HDFS_UNREACHABLE: .*it refused the connection/],
        [plain('http://hdfs.invalid:9870'), /^HDFS_UNREACHABLE: .*its name is not known/],
      ];
      for (const [options, says] of cases) assert.match(await outcome(options), says);
    } finally {
      kerberos.close();
    }
    const stranger = new WebHdfs({ nameNodes: [SERVERS.nameNode], user: 'nobody' });
    assert.match(
      await codeOf(stranger.makeFolder('/test/secure-hdfs/no')),
      /^HDFS_REFUSED: .*Permission denied/,
    );
  });
});
