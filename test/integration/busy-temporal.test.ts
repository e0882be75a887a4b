import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'node:test';
import { connectTemporal } from '../../adapters/temporal.ts';
import { SERVERS } from '../support/harness.ts';

/** Longer than a server is waited for, and looked at for what is wrong, before it is taken for busy. */
const BUSY_MS = 10_000;

test('a Temporal that accepts connections and is too busy to respond is waited for', async (t) => {
  const [host = '', port = ''] = SERVERS.temporal.split(':');
  const notBusy = sleep(BUSY_MS);
  const server = createServer((client) => {
    const temporal = connect({ host, port: Number(port) });
    const cut = (): void => {
      client.destroy();
      temporal.destroy();
    };
    for (const socket of [client, temporal]) socket.on('error', cut).on('close', cut);
    void notBusy.then(() => client.pipe(temporal).pipe(client));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  const { port: own } = server.address() as AddressInfo;
  const began = performance.now();
  const connection = await connectTemporal({ address: `127.0.0.1:${own}` });
  t.after(() => connection.close());
  assert.ok(performance.now() - began > BUSY_MS - 1_000, 'it was not busy');
  await connection.workflowService.getSystemInfo({});
});
