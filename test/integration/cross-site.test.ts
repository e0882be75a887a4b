import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { request, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test, { after, describe } from 'node:test';
import { Client, Connection, WorkflowNotFoundError } from '@temporalio/client';
import { WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import { startPlatform } from '../../simulator/server.ts';
import { startStack } from '../../services/stack.ts';
import { Health } from '../../worker/health.ts';
import { Metrics } from '../../worker/metrics.ts';
import { SERVERS } from '../support/harness.ts';

/** As a page of another site sends it: without a preflight a browser adds no header of the page's own. */
const BROWSER = {
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  origin: 'https://evil.example',
  'content-type': 'text/plain',
};

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends one request as a page in a browser does. */
function send(url: string, method: string, body = '', headers: OutgoingHttpHeaders = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers: { ...BROWSER, ...headers }, agent: false }, (reply) => {
      text(reply).then((read) => {
        resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body: read });
      }, reject);
    });
    asked.on('error', reject).end(body);
  });
}

describe('a page in a browser', () => {
  const hdfs = new WebHdfs({ nameNodes: [SERVERS.nameNode], user: 'hdfs' });
  const folder = `/test/cross-site-${process.pid}`;
  after(() => hdfs.delete(folder, { recursive: true }));

  test('cannot change anything in HDFS, through the NameNode or a DataNode', async () => {
    const kept = `${folder}/kept`;
    const content = Buffer.from('kept');
    await hdfs.create(kept, content);
    const dataNode = await dataNodeUrls(kept);
    const at = (path: string, query: string): string =>
      `${SERVERS.nameNode}/webhdfs/v1${path}?user.name=hdfs&${query}`;
    const attacks: readonly (readonly [method: string, url: string])[] = [
      ['PUT', at(`${folder}/made`, 'op=MKDIRS')],
      ['PUT', at(`${folder}/made`, 'op=CREATE&overwrite=true&noredirect=true')],
      ['PUT', at(kept, `op=RENAME&destination=${folder}/made`)],
      ['PUT', at(kept, 'op=SETPERMISSION&permission=777')],
      ['DELETE', at(kept, 'op=DELETE')],
      ['POST', at(kept, 'op=APPEND&noredirect=true')],
      ['POST', at(kept, 'op=TRUNCATE&newlength=0')],
      ['PUT', dataNode.create],
      ['POST', dataNode.append],
    ];
    for (const [method, url] of attacks) {
      for (const agent of [BROWSER['user-agent'], 'A browser of another name/1.0']) {
        const { status } = await send(url, method, 'written by another site', { 'user-agent': agent });
        assert.equal(status, 400, `${agent}: ${method} ${url}`);
      }
    }
    assert.deepEqual(
      (await hdfs.list(folder)).map(({ name }) => name),
      ['kept'],
    );
    assert.deepEqual(await hdfs.read(kept), content);
  });

  /** The URLs of a DataNode for a create and an append, from the NameNode's redirects. */
  async function dataNodeUrls(path: string): Promise<{ create: string; append: string }> {
    const locate = async (method: string, query: string): Promise<string> => {
      const url = `${SERVERS.nameNode}/webhdfs/v1${path}?user.name=hdfs&${query}`;
      const { headers } = await send(url, method, '', { 'X-XSRF-HEADER': 'test' });
      return headers.location ?? '';
    };
    return {
      create: await locate('PUT', 'op=CREATE&overwrite=true'),
      append: await locate('POST', 'op=APPEND'),
    };
  }

  test('cannot start a workflow, on any port of Temporal', async (context) => {
    if (process.platform !== 'linux') {
      context.skip('the ports of a process are read from /proc');
      return;
    }
    const scratch = await mkdtemp(join(tmpdir(), 'cross-site-'));
    const stack = await startStack({ folder: join(scratch, 'services'), ports: 'free', only: ['temporal'] });
    try {
      const ports = listeningPorts(stack.service('temporal').pid ?? 0);
      assert.ok(ports.length > 3, ports.join());
      const order = JSON.stringify({ workflowType: { name: 'x' }, taskQueue: { name: 'q' } });
      for (const port of ports) {
        for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `evil.example:${port}`]) {
          const path = '/api/v1/namespaces/default/workflows/by-a-page';
          // A port of gRPC alone closes the connection.
          const sent = await send(`http://127.0.0.1:${port}${path}`, 'POST', order, { host }).catch(
            () => undefined,
          );
          assert.ok(sent === undefined || sent.status >= 400, `${host}: ${sent?.status} ${sent?.body}`);
        }
      }
      const connection = await Connection.connect({ address: stack.temporal.address });
      const started = new Client({ connection }).workflow.getHandle('by-a-page').describe();
      await assert.rejects(started, WorkflowNotFoundError);
      await connection.close();
    } finally {
      await stack.stop();
      await rm(scratch, { recursive: true });
    }
  });

  test('gets no response from a worker under a host name that the settings do not have', async () => {
    const health = await Health.listen({
      host: '127.0.0.1',
      port: 0,
      metrics: new Metrics(),
      names: ['worker'],
    });
    try {
      const { port } = new URL(health.url);
      for (const path of ['/healthz', '/metrics']) {
        const ask = async (host: string): Promise<number> =>
          (await send(`http://127.0.0.1:${port}${path}`, 'GET', '', { host })).status;
        for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1.evil.example', 'worker.evil'])
          assert.equal(await ask(host), 421, host);
        for (const host of ['localhost', `127.0.0.1:${port}`, '[::1]:8235', 'worker:8235', '10.0.0.7:8235'])
          assert.notEqual(await ask(host), 421, host);
      }
    } finally {
      await health.close();
    }
  });

  test('gets no response from the simulated platform under its own host name, and cannot inject faults', async () => {
    const platform = await startPlatform({ count: 1 });
    try {
      const faults = `${platform.url}/faults`;
      assert.equal((await send(faults, 'POST', '[{"fault":"status"}]')).status, 421);
      assert.equal((await send(faults, 'DELETE')).status, 421);
      const attempts = `${platform.url}/attempts`;
      assert.equal((await send(attempts, 'GET', '', { host: 'evil.example' })).status, 421);
      assert.equal((await send(attempts, 'GET')).status, 200);
    } finally {
      await platform.close();
    }
  });
});

/** The TCP ports on which a process listens. */
function listeningPorts(pid: number): number[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      } catch {
        return undefined; // closed since the folder was read
      }
    }),
  );
  const LISTEN = '0A';
  return readFileSync(`/proc/${pid}/net/tcp`, 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === LISTEN && inodes.has(fields[9]))
    .map((fields) => Number.parseInt(fields[1]?.split(':')[1] ?? '', 16));
}
