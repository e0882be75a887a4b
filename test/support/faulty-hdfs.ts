import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CROSS_SITE_HEADER } from '../../adapters/hdfs/access.ts';
import { HdfsError, WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import { FaultsProxy, type Fault } from './faults-proxy.ts';
import { eventually } from './harness.ts';

/** The real NameNode, which the runner of the tests starts. */
export const NAME_NODE = process.env['PIPELINE_TEST_HDFS'] ?? 'http://127.0.0.1:9870';

/** What the clients of a {@link FaultyHdfs} wait for: enough for a busy machine, and not long. */
export const LIMIT_MS = 1_500;

/** The real HDFS with a proxy before its NameNode and another before its DataNode, and a folder of its own. */
export class FaultyHdfs {
  readonly nameNode: FaultsProxy;
  readonly dataNode: FaultsProxy;
  /** A client that no fault harms. */
  readonly direct: WebHdfs;
  /** A folder on this machine. */
  readonly local: string;
  /** Its folder in HDFS. */
  readonly root: string;
  #paths = 0;

  private constructor(
    nameNode: FaultsProxy,
    dataNode: FaultsProxy,
    direct: WebHdfs,
    root: string,
    local: string,
  ) {
    this.nameNode = nameNode;
    this.dataNode = dataNode;
    this.direct = direct;
    this.local = local;
    this.root = root;
  }

  /** @param server The NameNode, unless it is the one that tests share. */
  static async start(name: string, server = NAME_NODE): Promise<FaultyHdfs> {
    const root = `/test/${name}-${process.pid}-${Date.now().toString(36)}`;
    const direct = new WebHdfs({ nameNodes: [server], user: 'hdfs' });
    await direct.makeFolder(root);
    const dataNode = await FaultsProxy.start({ target: await dataNodeAddress(server) });
    const nameNode = await FaultsProxy.start({ target: server, redirectTo: dataNode.address });
    return new FaultyHdfs(nameNode, dataNode, direct, root, await mkdtemp(join(tmpdir(), `${name}-`)));
  }

  /** A client whose requests go through the proxies, and that loses patience soon. */
  client(nameNodes: readonly string[] = [this.nameNode.address], attempts = 2): WebHdfs {
    const timeouts = { connectMs: LIMIT_MS, answerMs: LIMIT_MS, idleMs: LIMIT_MS };
    return new WebHdfs({ nameNodes, user: 'hdfs', timeouts, retry: { attempts, backoffMs: 10 } });
  }

  /** A client that goes the same way, and waits for answers that are late. */
  patient(): WebHdfs {
    return new WebHdfs({ nameNodes: [this.nameNode.address], user: 'hdfs' });
  }

  /** Does something that writes a file, of which other bytes, as many, take the place while its answer is on its way. */
  async replacedMeanwhile<T>(work: () => Promise<T>): Promise<T> {
    const before = this.dataNode.answered.length;
    this.dataNode.plan(/op=CREATE/, { kind: 'delay-answer', ms: 4_000 });
    const working = work();
    working.catch(() => undefined);
    let written = '';
    await eventually('a file is written', () => {
      const line = this.dataNode.answered.slice(before).find((answered) => answered.includes('op=CREATE'));
      written = /\/webhdfs\/v1(\/[^?]*)/.exec(line ?? '')?.[1] ?? '';
      return written !== '';
    });
    const { length } = await this.direct.read(written);
    await this.direct.delete(written);
    await this.direct.create(written, Buffer.alloc(length, 'y'));
    return working;
  }

  /** A path that no other test uses. */
  fresh(): string {
    this.#paths += 1;
    return `${this.root}/${this.#paths}`;
  }

  /** Forgets the planned faults and the requests seen. */
  clear(): void {
    this.nameNode.clear();
    this.dataNode.clear();
  }

  async stop(): Promise<void> {
    await this.nameNode.stop();
    await this.dataNode.stop();
    await this.direct.delete(this.root, { recursive: true });
    await rm(this.local, { recursive: true });
  }
}

/** A server that has gone: nothing listens on its address any more. */
export async function deadServer(): Promise<FaultsProxy> {
  const proxy = await FaultsProxy.start({ target: NAME_NODE });
  await proxy.stop();
  return proxy;
}

/** An answer of WebHDFS that names a Java exception. */
export function exception(name: string, status = 403): Fault {
  const body = JSON.stringify({ RemoteException: { exception: name, message: 'as planned' } });
  return { kind: 'answer', status, body, headers: { 'Content-Type': 'application/json' } };
}

/** The error that a call must fail with. */
export async function errorOf(call: Promise<unknown>): Promise<HdfsError> {
  const outcome = await call.then(
    (value) => ({ value }),
    (thrown: unknown) => ({ thrown }),
  );
  assert.ok('thrown' in outcome, 'expected an error');
  assert.ok(outcome.thrown instanceof HdfsError, String(outcome.thrown));
  return outcome.thrown;
}

/** Checks that a call fails for now, and whether it leaves doubt that it was carried out. */
export async function failsForNow(
  call: Promise<unknown>,
  { ambiguous }: { readonly ambiguous: boolean },
): Promise<HdfsError> {
  const error = await errorOf(call);
  assert.equal(error.code, 'HDFS_UNREACHABLE', error.message);
  assert.equal(error.canRetry, true);
  assert.equal(error.ambiguous, ambiguous, error.message);
  return error;
}

/** A request by `fetch` that changes something, as HDFS asks for it. */
export const PUT = { method: 'PUT', headers: CROSS_SITE_HEADER };

/** Checks that work ends within the limit, give or take what a busy machine adds. */
export async function inTime<T>(work: Promise<T>): Promise<T> {
  const begun = performance.now();
  const value = await work;
  const took = performance.now() - begun;
  assert.ok(took < LIMIT_MS + 1_000, `it took ${took} ms`);
  return value;
}

async function dataNodeAddress(nameNode: string): Promise<string> {
  const url = `${nameNode}/webhdfs/v1/any?op=CREATE&user.name=hdfs`;
  const answer = await fetch(url, { ...PUT, redirect: 'manual' });
  return new URL(answer.headers.get('location') ?? '').origin;
}
