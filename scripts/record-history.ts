/**
 * Records the history of a run, to be replayed by the tests: tsx scripts/record-history.ts RUN FILE
 *
 * RUN is a run's id; of one that went on with a new history, its latest is taken, or with `@` and the id of an
 * execution behind it, that one. It is written as Temporal's protocol encodes it. Where a failure came about (its stack) and which process
 * took a task is left out: neither matters to a replay, and both tell of the machine.
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
