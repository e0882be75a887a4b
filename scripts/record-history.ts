/**
 * Records the history of a run, for the replay tests: tsx scripts/record-history.ts RUN FILE
 *
 * RUN is a workflow id, which selects its latest execution, or WORKFLOW_ID@EXECUTION_ID. The history is encoded as
 * Temporal's protobuf message. Stack traces and worker identities are blanked: a replay ignores them, and they
 * describe this machine.
 */
import { writeFile } from 'node:fs/promises';
import proto from '@temporalio/proto';
import { withTemporal } from '../client/cli/temporal.ts';
import { readSettings } from '../model/settings.ts';

const PRIVATE = new Set(['stackTrace', 'identity']);

const [run = '', file = ''] = process.argv.slice(2);
const [workflowId = '', executionId] = run.split('@');
await withTemporal(readSettings(), async (client) => {
  const history = await client.workflow.getHandle(workflowId, executionId).fetchHistory();
  blank(history);
  await writeFile(file, proto.temporal.api.history.v1.History.encode(history).finish());
});

function blank(value: unknown): void {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
  for (const [name, member] of Object.entries(value)) {
    if (PRIVATE.has(name) && typeof member === 'string') Object.assign(value, { [name]: '' });
    else blank(member);
  }
}
