import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { createAgents } from '../../adapters/hdfs/connections.ts';
import { HdfsError, type RequestStep } from '../../adapters/hdfs/errors.ts';
import { exchange, type ExchangeOptions } from '../../adapters/hdfs/request.ts';
import type { Timeouts } from '../../adapters/hdfs/timeouts.ts';
import { PipelineError } from '../../model/errors.ts';

const STEP: RequestStep = {
  operation: 'OPEN',
  path: '/a',
  server: 'NameNode test',
  changes: true,
  redirected: false,
};
const TIMEOUTS: Timeouts = {
  connectMs: 200,
  answerMs: 200,
  idleMs: 200,
  exchangeMs: 600,
  exchangeMsPerMiB: 1,
};

/** Runs an exchange with a server of one test. */
async function asked(t: TestContext, serve: RequestListener): Promise<ExchangeOptions> {
  const server = createHttpServer(serve);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return exchangeWith(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}

/** Runs an exchange with a server that sends arbitrary bytes, or nothing. */
async function askedRaw(
  t: TestContext,
  scheme: string,
  serve: (socket: Socket) => void,
): Promise<ExchangeOptions> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    serve(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return exchangeWith(`${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}

function exchangeWith(address: string): ExchangeOptions {
  return { step: STEP, method: 'GET', url: new URL(address), expect: 200, tls: {}, timeouts: TIMEOUTS };
}

async function errorOf(answer: Promise<unknown>): Promise<HdfsError> {
  const thrown = await answer.then(
    () => assert.fail('expected an error'),
    (error: unknown) => error,
  );
  assert.ok(thrown instanceof HdfsError, String(thrown));
  return thrown;
}

test('a connection timeout leaves no doubt', async (t) => {
  const error = await errorOf(exchange(await askedRaw(t, 'https', () => undefined)));
  assert.match(error.message, /accepted no connection within 200 ms/);
  assert.equal(error.ambiguous, false);
});

test('a server that sends a byte now and then is bounded by the total timeout', async (t) => {
  const dripping = await asked(t, (_, response) => {
    response.writeHead(200, { 'Content-Length': 1000 });
    const drip = setInterval(() => response.write('.'), 50);
    response.on('close', () => {
      clearInterval(drip);
    });
  });
  assert.match((await errorOf(exchange(dripping))).message, /was not done within 601 ms/);
});

test('the total timeout grows with the bytes sent and received', async (t) => {
  const slow = await asked(t, (_, response) => {
    response.writeHead(200, { 'Content-Length': 10 });
    const drip = setInterval(() => response.write('.'), 100);
    response.on('close', () => {
      clearInterval(drip);
    });
  });
  const generous = { ...TIMEOUTS, exchangeMs: 400, exchangeMsPerMiB: 2 ** 20 * 100 };
  assert.equal((await exchange({ ...slow, timeouts: generous })).bytes, 10);
});

test('a response that is ended only by its connection’s end is refused', async (t) => {
  const raw = await askedRaw(t, 'http', (socket) => {
    socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nperhaps cut');
  });
  assert.match((await errorOf(exchange(raw))).message, /neither Content-Length nor chunked/);
});

test('invalid HTTP, or a truncated head, is a transient error', async (t) => {
  for (const said of ['SSH-2.0-x\r\n', 'HTTP/1.1 200 OK\r\nContent-Le', '']) {
    const raw = await askedRaw(t, 'http', (socket) => socket.end(said));
    const error = await errorOf(exchange(raw));
    assert.deepEqual([error.code, error.ambiguous], ['HDFS_UNREACHABLE', true]);
  }
});

test('several unsolicited 100 Continue are skipped', async (t) => {
  const raw = await askedRaw(t, 'http', (socket) => {
    socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n');
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  assert.equal((await exchange(raw)).body.toString(), 'ok');
});

test('a refusal is read though the connection breaks during the body', async (t) => {
  const refusal = '{"RemoteException":{"exception":"FileAlreadyExistsException","message":"there"}}';
  const raw = await askedRaw(t, 'http', (socket) => {
    socket.once('data', () => {
      socket.pause();
      socket.write(`HTTP/1.1 403 No\r\nContent-Length: ${refusal.length}\r\n\r\n${refusal}`, () => {
        socket.destroy();
      });
    });
  });
  const chunk = Buffer.alloc(2 ** 18);
  for (let round = 0; round < 50; round += 1) {
    const body = {
      bytes: chunk.length * 100,
      // eslint-disable-next-line @typescript-eslint/require-await -- a body is asynchronous
      async *chunks() {
        for (let at = 0; at < 100; at += 1) yield chunk;
      },
    };
    const error = await errorOf(exchange({ ...raw, method: 'PUT', expect: 201, body }));
    assert.equal(error.exception, 'FileAlreadyExistsException', `round ${round}: ${error.message}`);
  }
});

test('a response over the memory limit is refused', async (t) => {
  const large = await asked(t, (_, response) => response.end(Buffer.alloc(1001)));
  const error = await errorOf(exchange({ ...large, bodyLimit: 1000 }));
  assert.equal(error.code, 'HDFS_REFUSED');
  assert.match(error.message, /more than 1000 bytes/);
  assert.equal((await exchange({ ...large, bodyLimit: 1001 })).bytes, 1001);
});

test('an error of the receiver or of the body ends the exchange unchanged', async (t) => {
  const echo = await asked(t, (request, response) => request.pipe(response));
  const full = new PipelineError('STAGING_FULL', 'no room');
  const receive = (): Promise<void> => Promise.reject(full);
  const served = await asked(t, (_, response) => response.end('content'));
  await assert.rejects(exchange({ ...served, receive }), (thrown) => thrown === full);
  const body = {
    bytes: 5,
    // eslint-disable-next-line require-yield, @typescript-eslint/require-await -- it fails at once
    async *chunks(): AsyncGenerator<Buffer> {
      throw full;
    },
  };
  await assert.rejects(exchange({ ...echo, method: 'PUT', body }), (thrown) => thrown === full);
});

test('the server’s timeout is paused while the receiver is busy, and while a chunk is made', async (t) => {
  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      setTimeout(resolve, TIMEOUTS.idleMs * 1.5);
    });
  const patient = { ...TIMEOUTS, exchangeMs: 60_000 };
  // Too large for the socket buffers, so that the connection is still needed after the pause.
  const served = await asked(t, (_, response) => response.end(Buffer.alloc(2 ** 24)));
  let received = 0;
  const receive = async (chunk: Buffer): Promise<void> => {
    if (received === 0) await pause();
    received += chunk.length;
  };
  assert.equal((await exchange({ ...served, timeouts: patient, receive })).bytes, 2 ** 24);
  const echo = await asked(t, (request, response) => {
    response.setHeader('Content-Length', 3);
    request.on('end', () => response.end('all')).resume();
  });
  const body = {
    bytes: 2,
    async *chunks() {
      yield Buffer.from('a');
      await pause();
      yield Buffer.from('b');
    },
  };
  assert.equal((await exchange({ ...echo, timeouts: patient, method: 'PUT', body })).bytes, 3);
});

test('a body that makes progress, however slow, does not time out', async (t) => {
  const served = await asked(t, (request, response) => {
    response.setHeader('Content-Length', 3);
    request.on('end', () => response.end('all'));
    // Reads for a moment, and pauses for less than the limit.
    request.on('data', () => {
      request.pause();
      setTimeout(() => request.resume(), 5);
    });
  });
  const chunk = Buffer.alloc(2 ** 18);
  const body = {
    bytes: chunk.length * 160,
    // eslint-disable-next-line @typescript-eslint/require-await -- a body is asynchronous
    async *chunks() {
      for (let at = 0; at < 160; at += 1) yield chunk;
    },
  };
  const patient = { ...TIMEOUTS, idleMs: 1_000, answerMs: 60_000, exchangeMs: 60_000 };
  const begun = performance.now();
  assert.equal((await exchange({ ...served, timeouts: patient, method: 'PUT', body })).bytes, 3);
  assert.ok(performance.now() - begun > 1.5 * patient.idleMs, 'the test must take longer than the limit');
});

test('idle connections are reused, and do not keep the process alive', async (t) => {
  const ports = new Set<number | undefined>();
  const served = await asked(t, (request, response) => {
    ports.add(request.socket.remotePort);
    response.end('x');
  });
  const agents = createAgents({});
  for (let turn = 0; turn < 5; turn += 1) await exchange({ ...served, agents });
  assert.equal(ports.size, 1);
  await exchange(served);
  assert.equal(ports.size, 2);
  assert.equal(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length, 0);
});
