import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CROSS_SITE_HEADER } from '../../adapters/hdfs/access.ts';
import { HdfsError, WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import { FaultsProxy, type ProxyFault } from './faults-proxy.ts';
import { eventually } from './harness.ts';

/** The real NameNode, which the test runner starts. */
export const NAME_NODE = process.env['PIPELINE_TEST_HDFS'] ?? 'http://127.0.0.1:9870';

/** Timeouts of the clients of a {@link FaultyHdfs}: long enough for a busy machine. */
export const LIMIT_MS = 1_500;

/** The real HDFS with a proxy before its NameNode and another before its DataNode, and a folder of its own. */
export class FaultyHdfs {
  readonly nameNode: FaultsProxy;
  readonly dataNode: FaultsProxy;
  /** A client without proxies. */
  readonly direct: WebHdfs;
  /** Local folder. */
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

  /** @param server The NameNode; the shared one by default. */
  static async start(name: string, server = NAME_NODE): Promise<FaultyHdfs> {
    const root = `/test/${name}-${process.pid}-${Date.now().toString(36)}`;
    const direct = new WebHdfs({ nameNodes: [server], user: 'hdfs' });
    await direct.makeFolder(root);
    const dataNode = await FaultsProxy.start({ target: await dataNodeAddress(server) });
    const nameNode = await FaultsProxy.start({ target: server, redirectTo: dataNode.address });
    return new FaultyHdfs(nameNode, dataNode, direct, root, await mkdtemp(join(tmpdir(), `${name}-`)));
  }

  /** Returns a client behind the proxies, with short timeouts. */
  client(nameNodes: readonly string[] = [this.nameNode.address], attempts = 2): WebHdfs {
    const timeouts = { connectMs: LIMIT_MS, answerMs: LIMIT_MS, idleMs: LIMIT_MS };
    return new WebHdfs({ nameNodes, user: 'hdfs', timeouts, retry: { attempts, backoffMs: 10 } });
  }

  /** Returns a client behind the proxies that waits for late responses. */
  patient(): WebHdfs {
    return new WebHdfs({ nameNodes: [this.nameNode.address], user: 'hdfs' });
  }

  /** Runs work that writes a file, whose bytes are replaced by as many others before the response arrives. */
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

  /** Returns a unique path. */
  fresh(): string {
    this.#paths += 1;
    return `${this.root}/${this.#paths}`;
  }

  /** Removes the planned faults and the requests seen. */
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

/** Returns the address of a server that is gone: nothing listens there. */
export async function deadServer(): Promise<FaultsProxy> {
  const proxy = await FaultsProxy.start({ target: NAME_NODE });
  await proxy.stop();
  return proxy;
}

/** Returns a WebHDFS response that names a Java exception. */
export function exception(name: string, status = 403): ProxyFault {
  const body = JSON.stringify({ RemoteException: { exception: name, message: 'as planned' } });
  return { kind: 'answer', status, body, headers: { 'Content-Type': 'application/json' } };
}

/** Returns the error of a call that must fail. */
export async function errorOf(call: Promise<unknown>): Promise<HdfsError> {
  const outcome = await call.then(
    (value) => ({ value }),
    (thrown: unknown) => ({ thrown }),
  );
  assert.ok('thrown' in outcome, 'expected an error');
  assert.ok(outcome.thrown instanceof HdfsError, String(outcome.thrown));
  return outcome.thrown;
}

/** Checks that a call fails with a transient error, and whether it may have been carried out. */
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

/** Options of a `fetch` request that changes something, with the header that HDFS requires. */
export const PUT = { method: 'PUT', headers: CROSS_SITE_HEADER };

/** Checks that work ends within the limit, with a margin for a busy machine. */
export async function inTime<T>(work: Promise<T>): Promise<T> {
  const begun = performance.now();
  const value = await work;
  const took = performance.now() - begun;
  assert.ok(took < LIMIT_MS + 1_000, `it took ${took} ms`);
  return value;
}

/** Returns the address of the DataNode that a NameNode names for a new file. */
export async function dataNodeAddress(nameNode: string): Promise<string> {
  const url = `${nameNode}/webhdfs/v1/any?op=CREATE&user.name=hdfs`;
  const answer = await fetch(url, { ...PUT, redirect: 'manual' });
  return new URL(answer.headers.get('location') ?? '').origin;
}
