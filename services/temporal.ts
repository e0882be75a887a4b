import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { makePrivateFolder } from '../lib/private-files.ts';
import { PipelineError } from '../model/errors.ts';
import { SEARCH_ATTRIBUTES } from '../model/search-attributes.ts';
import type { StackFolder } from './folder.ts';
import { LOOPBACK_HOST, type Ports } from './ports.ts';
import { CHECK_MS, type Service } from './service.ts';
import { installTemporal } from './temporal-program.ts';

/** The namespace that the development server creates. */
const NAMESPACE = 'default';

/** A host name that never resolves (RFC 6761). */
const NO_HOST = 'disabled.invalid';

const ATTRIBUTE_TYPES = {
  Keyword: proto.temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
  Int: proto.temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_INT,
} as const satisfies Record<(typeof SEARCH_ATTRIBUTES)[keyof typeof SEARCH_ATTRIBUTES], number>;

/**
 * By default the development server processes 20 tasks per second of its single queue, about half a second per run;
 * the first two settings leave only the disk as the limit. The third suggests continue-as-new after some twenty
 * batches; a larger server suggests it after eight times as many.
 */
const DYNAMIC_CONFIG = [
  'history.transferProcessorMaxPollRPS=2000',
  'history.timerProcessorMaxPollRPS=2000',
  'limit.historyCount.suggestContinueAsNew=500',
  // The server's HTTP API can't be turned off, and would accept requests of any page in a browser. It accepts only
  // this host name, which no browser can send since it never resolves.
  `frontend.httpAllowedHosts=["${NO_HOST}"]`,
];

/** A write-ahead log saves a full sync of the disk per commit; nothing is lost when the process is killed. */
const SQLITE_PRAGMAS = ['journal_mode=WAL', 'synchronous=NORMAL'];

/** Returns Temporal's development server with its web UI; its state is in one SQLite file. */
export function temporalService(ports: Ports['temporal'], folder: StackFolder): Service {
  const address = `${LOOPBACK_HOST}:${ports.grpc}`;
  const uiUrl = `http://${LOOPBACK_HOST}:${ports.ui}`;
  const data = folder.data('temporal');
  return {
    name: 'temporal',
    ports: Object.values(ports),
    addresses: { grpc: address, ui: uiUrl },
    async prepare(progress) {
      await makePrivateFolder(data);
      return {
        program: await installTemporal(progress),
        args: startArguments(ports, join(data, 'temporal.db')),
      };
    },
    async check() {
      // The web UI's own API starts after gRPC, and depends on it.
      const response = await fetch(`${uiUrl}/api/v1/cluster-info`, { signal: AbortSignal.timeout(CHECK_MS) });
      if (!response.ok)
        throw new PipelineError('SERVICE_NOT_READY', `${response.url} answers ${response.status}`);
      await registerSearchAttributes(address);
    },
  };
}

function startArguments(ports: Ports['temporal'], database: string): string[] {
  return [
    ...['server', 'start-dev', '--ip', LOOPBACK_HOST],
    ...['--port', String(ports.grpc), '--ui-port', String(ports.ui)],
    ...['--metrics-port', String(ports.metrics)],
    ...['--db-filename', database, '--log-level', 'warn'],
    ...SQLITE_PRAGMAS.flatMap((pragma) => ['--sqlite-pragma', pragma]),
    ...DYNAMIC_CONFIG.flatMap((value) => ['--dynamic-config-value', value]),
    ...Object.entries(SEARCH_ATTRIBUTES).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
  ];
}

/**
 * Adds the search attributes that are missing: `--search-attribute` is ignored on an existing database, so one that
 * was created before an attribute was introduced would never get it.
 */
async function registerSearchAttributes(address: string): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: CHECK_MS });
  try {
    await connection.withDeadline(Date.now() + CHECK_MS, async () => {
      const { customAttributes } = await connection.operatorService.listSearchAttributes({
        namespace: NAMESPACE,
      });
      const missing = Object.entries(SEARCH_ATTRIBUTES).filter(([name]) => !(name in customAttributes));
      if (missing.length === 0) return;
      const searchAttributes = Object.fromEntries(
        missing.map(([name, type]) => [name, ATTRIBUTE_TYPES[type]]),
      );
      await connection.operatorService.addSearchAttributes({ namespace: NAMESPACE, searchAttributes });
    });
  } finally {
    await connection.close();
  }
}
