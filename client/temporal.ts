import { Client, Connection } from '@temporalio/client';
import { messageOf, PipelineError } from '../model/errors.ts';
import type { Settings } from '../model/settings.ts';

/** Ids of runs that the command line starts begin so; one that names no run id is the source's latest. */
export const RUN_PREFIX = 'ingest';

/** Runs something with a connection to Temporal, which is closed afterwards. */
export async function withTemporal<T>(settings: Settings, use: (client: Client) => Promise<T>): Promise<T> {
  const { address, namespace } = settings.temporal;
  let connection: Connection;
  try {
    connection = await Connection.connect({ address, connectTimeout: '5s' });
  } catch (cause) {
    throw new PipelineError('TEMPORAL_UNREACHABLE', `Temporal at ${address}: ${messageOf(cause)}`, { cause });
  }
  try {
    return await use(new Client({ connection, namespace }));
  } finally {
    await connection.close();
  }
}

/** A run's page in the Temporal UI. */
export function uiUrlOf({ temporal }: Settings, workflowId: string, runId: string): string {
  const path = [temporal.namespace, 'workflows', workflowId, runId].map(encodeURIComponent).join('/');
  return `${temporal.uiUrl}/namespaces/${path}/history`;
}
