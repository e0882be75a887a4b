import { Client } from '@temporalio/client';
import {
  refusedError,
  asTemporalError,
  connectTemporal,
  isUnavailable,
  temporalConnection,
} from '../../adapters/temporal.ts';
import { startTracing } from '../../adapters/tracing/tracing.ts';
import type { Settings } from '../../model/settings.ts';
import { startTracingInterceptor } from '../runs/traced-start.ts';

/** Prefix of the workflow ids of runs, and of the ids of their schedules. */
export const RUN_PREFIX = 'ingest';

/** Calls `use` with a Temporal client, and closes its connection afterwards. */
export async function withTemporal<T>(
  { temporal }: Settings,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const options = temporalConnection(temporal);
  const tracing = await startTracing('assessment-pipeline');
  const connection = await connectTemporal(options);
  try {
    const interceptors = tracing === undefined ? {} : { workflow: [startTracingInterceptor(tracing.runs)] };
    return await use(new Client({ connection, namespace: temporal.namespace, interceptors }));
  } catch (error) {
    if (isUnavailable(error)) throw await asTemporalError(error, options);
    throw refusedError(error, options.address) ?? error;
  } finally {
    await connection.close();
    await tracing?.stop();
  }
}

/** Returns the URL of a run's page in the Temporal UI. */
export function uiUrlOf({ temporal }: Settings, workflowId: string, runId: string): string {
  const path = [temporal.namespace, 'workflows', workflowId, runId].map(encodeURIComponent).join('/');
  return `${temporal.uiUrl}/namespaces/${path}/history`;
}
