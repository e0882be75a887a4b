import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { Kafka, logLevel } from 'kafkajs';
import { z } from 'zod';
import { CROSS_SITE_HEADER } from '../../adapters/hdfs/access.ts';
import { PipelineError } from '../../model/errors.ts';
import { SEARCH_ATTRIBUTES } from '../../model/search-attributes.ts';
import { findProcess, findProcessByPid, sendSignal } from '../../services/identity.ts';
import { findUsedPort, SERVICE_NAMES, type ServiceName } from '../../services/ports.ts';
import { stackStatus, startStack, type Stack } from '../../services/stack.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..', '..');
const MAIN = join(ROOT, 'services', 'main.ts');
const TOPIC = 'kept';
const FILE = '/kept/file.txt';
const WORKFLOW = 'kept';

const jsonStatuses = z.array(
  z.object({
    name: z.enum(SERVICE_NAMES),
    health: z.string(),
    pid: z.int().optional(),
    addresses: z.record(z.string(), z.string()),
    log: z.string(),
  }),
);

describe('the servers', { timeout: 300_000 }, () => {
  let base: string;
  let folder: string;
  let stack: Stack;

  before(async () => {
    base = await mkdtemp(join(tmpdir(), 'services-test-'));
    folder = join(base, 'stack');
    stack = await startStack({ folder, ports: 'free' });
  });

  after(async () => {
    await stack.stop();
    await rm(base, { recursive: true, force: true });
  });

  it('serve real clients', async () => {
    await produce(stack, 'first');
    assert.deepEqual(await messageCount(stack), 1);
    await writeFile(stack, 'first');
    assert.equal(await readFile(stack), 'first');
    await startWorkflow(stack);
    assert.equal(await workflowStatus(stack), 'RUNNING');
    assert.equal((await fetch(stack.temporal.uiUrl)).status, 200);
    assert.equal((await fetch(`${stack.hdfs.nameNodeHttp}/dfshealth.html`)).status, 200);
  });

  it('register the search attributes of runs in Temporal', async () => {
    const found = await withTemporal(stack, (client) =>
      client.connection.operatorService.listSearchAttributes({ namespace: 'default' }),
    );
    for (const name of Object.keys(SEARCH_ATTRIBUTES)) assert.ok(name in found.customAttributes, name);
  });

  it('are not restarted by a second up', async () => {
    const pids = pidsOf(stack);
    const { stdout } = await services(folder, 'up');
    assert.equal(stdout.match(/was up already/g)?.length, SERVICE_NAMES.length);
    assert.deepEqual(pidsOf(stack), pids);
  });

  it('are listed for programs, each with its pid, address and log', async () => {
    const { stdout } = await services(folder, 'status', '--json');
    const statuses = jsonStatuses.parse(JSON.parse(stdout));
    assert.deepEqual(
      statuses.map(({ name, health, pid }) => [name, health, pid]),
      SERVICE_NAMES.map((name) => [name, 'healthy', stack.service(name).pid]),
    );
    assert.equal(statuses[1]?.addresses['brokers'], stack.kafka.brokers[0]);
    for (const { log } of statuses) assert.ok(existsSync(log), log);
  });

  it('are reported as frozen, and continue', async () => {
    const kafka = stack.service('kafka');
    await kafka.pause();
    assert.equal(await healthOf(folder, 'kafka'), 'paused');
    await kafka.resume();
    assert.equal(await healthOf(folder, 'kafka'), 'healthy');
  });

  it('that are killed are reported as down, and have their data after up', async () => {
    const pids = pidsOf(stack);
    await Promise.all(SERVICE_NAMES.map((name) => stack.service(name).kill('SIGKILL')));
    for (const { name, health } of await stackStatus(folder)) assert.equal(health, 'down', name);

    await services(folder, 'up');
    assert.notDeepEqual(pidsOf(stack), pids);
    assert.equal(await messageCount(stack), 1);
    assert.equal(await readFile(stack), 'first');
    assert.equal(await workflowStatus(stack), 'RUNNING');
    await produce(stack, 'second');
    assert.equal(await messageCount(stack), 2);
  });

  it('that are restarted keep their ports and data, the NameNode with its DataNode left running', async () => {
    const dataNode = stack.service('datanode').pid;
    await stack.service('namenode').restart();
    assert.equal(stack.service('datanode').pid, dataNode);
    // The DataNode finds its connection to the former NameNode broken only by using it.
    const content = await readFile(stack).catch(() => readFile(stack));
    assert.equal(content, 'first');
  });

  it('name a port that another process uses, and start nothing', async () => {
    const other = await folderWithPortsOf(folder, join(base, 'other'));
    await assert.rejects(startStack({ folder: other, ports: 'default' }), (error: unknown) => {
      assert.ok(error instanceof PipelineError);
      assert.equal(error.code, 'SERVICE_PORT_TAKEN');
      const port = stack.temporal.address.split(':')[1] ?? '';
      assert.match(error.message, new RegExp(`temporal needs port ${port} on 127\\.0\\.0\\.1`));
      return true;
    });
    for (const { health } of await stackStatus(other)) assert.equal(health, 'down');
  });

  it('of HDFS reject a folder whose path the DataNode does not support', async () => {
    await assert.rejects(
      startStack({ folder: join(base, 'with blank'), ports: 'free', only: ['datanode'] }),
      /HDFS cannot keep its data in .*with blank: .* --folder/,
    );
  });

  it('that cannot start report the end of their log', async () => {
    await assert.rejects(
      run(process.execPath, onlyTemporal(join(base, 'broken')), {
        env: { ...process.env, TEMPORAL_CLI: '/bin/ls' },
      }),
      /temporal ended before it was ready[^]*option[^]*temporal\.log/,
    );
  });

  it('end with the process that they belong to, when that one is ended', async () => {
    const owner = spawn(process.execPath, onlyTemporal(join(base, 'owned')), {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [said] = (await once(owner.stdout, 'data')) as [Buffer];
    const server = findProcessByPid(Number(said.toString())) ?? assert.fail('Temporal is not up');
    try {
      owner.kill('SIGTERM');
      const [, endedBy] = (await once(owner, 'exit')) as [number | null, NodeJS.Signals | null];
      assert.equal(endedBy, 'SIGTERM');
      const deadline = performance.now() + 5_000;
      while (findProcess(server) !== undefined) {
        assert.ok(performance.now() < deadline, `Temporal (pid ${server.pid}) outlives its owner`);
        await new Promise(setImmediate);
      }
    } finally {
      sendSignal(server, 'SIGKILL');
    }
  });

  it('leave no process and no port in use after down, and no files after reset', async () => {
    const pids = pidsOf(stack);
    await services(folder, 'down');
    for (const pid of pids) assert.equal(findProcessByPid(pid), undefined);
    assert.equal(await findUsedPort([Number(stack.temporal.address.split(':')[1])]), undefined);
    assert.ok(existsSync(join(folder, 'data', 'kafka')));
    await assert.rejects(services(folder, 'status'), { code: 1 });

    await services(folder, 'reset');
    assert.equal(existsSync(folder), false);
  });
});

function services(folder: string, ...args: string[]) {
  return run(process.execPath, ['--import', 'tsx', MAIN, '--folder', folder, ...args]);
}

function pidsOf(stack: Stack): number[] {
  return SERVICE_NAMES.map((name) => stack.service(name).pid ?? assert.fail(`${name} is down`));
}

async function healthOf(folder: string, name: ServiceName): Promise<string | undefined> {
  return (await stackStatus(folder)).find((status) => status.name === name)?.health;
}

/** A folder whose servers had, when they last ran, the ports that another folder's servers have now. */
async function folderWithPortsOf(folder: string, other: string): Promise<string> {
  await mkdir(other);
  await copyFile(join(folder, 'state.json'), join(other, 'state.json'));
  return other;
}

/** The arguments of a Node that starts a Temporal of its own, says its pid and goes on until its input ends. */
function onlyTemporal(folder: string): string[] {
  const options = JSON.stringify({ folder, ports: 'free', only: ['temporal'] });
  const program = `
    import { startStack } from ${JSON.stringify(join(ROOT, 'services', 'stack.ts'))};
    const stack = await startStack(${options});
    process.stdout.write(String(stack.service('temporal').pid));
    process.stdin.resume();
  `;
  return ['--import', 'tsx', '--input-type=module', '--eval', program];
}

function kafkaOf(stack: Stack): Kafka {
  return new Kafka({ clientId: 'test', brokers: [...stack.kafka.brokers], logLevel: logLevel.NOTHING });
}

async function produce(stack: Stack, value: string): Promise<void> {
  const admin = kafkaOf(stack).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 1 }], waitForLeaders: true });
  await admin.disconnect();
  const producer = kafkaOf(stack).producer({ allowAutoTopicCreation: false });
  await producer.connect();
  await producer.send({ topic: TOPIC, messages: [{ value }], acks: -1 });
  await producer.disconnect();
}

async function messageCount(stack: Stack): Promise<number> {
  const admin = kafkaOf(stack).admin();
  await admin.connect();
  const [offsets] = await admin.fetchTopicOffsets(TOPIC);
  await admin.disconnect();
  return Number(offsets?.high);
}

/** Writes a file over WebHDFS: the NameNode redirects to the DataNode, which gets the content. */
async function writeFile(stack: Stack, content: string): Promise<void> {
  const create = webHdfs(stack, 'op=CREATE&overwrite=true&noredirect=true');
  const answer = await fetch(create, { method: 'PUT', headers: CROSS_SITE_HEADER });
  const { Location } = z.object({ Location: z.url() }).parse(await answer.json());
  const status = await new Promise<number | undefined>((resolve, reject) => {
    request(Location, { method: 'PUT', headers: CROSS_SITE_HEADER }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end(content);
  });
  assert.equal(status, 201);
}

async function readFile(stack: Stack): Promise<string> {
  const response = await fetch(webHdfs(stack, 'op=OPEN'));
  assert.equal(response.status, 200);
  return response.text();
}

function webHdfs(stack: Stack, query: string): string {
  return `${stack.hdfs.nameNodeHttp}/webhdfs/v1${FILE}?user.name=hdfs&${query}`;
}

async function withTemporal<Result>(
  stack: Stack,
  work: (client: Client & { connection: Connection }) => Promise<Result>,
): Promise<Result> {
  const connection = await Connection.connect({ address: stack.temporal.address });
  try {
    return await work(Object.assign(new Client({ connection }), { connection }));
  } finally {
    await connection.close();
  }
}

function startWorkflow(stack: Stack): Promise<unknown> {
  return withTemporal(stack, (client) =>
    client.workflow.start('none', { workflowId: WORKFLOW, taskQueue: `nobody-${randomUUID()}` }),
  );
}

function workflowStatus(stack: Stack): Promise<string> {
  return withTemporal(
    stack,
    async (client) => (await client.workflow.getHandle(WORKFLOW).describe()).status.name,
  );
}
