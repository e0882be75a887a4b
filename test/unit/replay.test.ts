import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { DefaultLogger, Runtime, Worker, bundleWorkflowCode, type InjectedSinks } from '@temporalio/worker';
import proto from '@temporalio/proto';
import type { RunEndSinks } from '../../workflows/run-ends.ts';
import { ROOT } from '../support/harness.ts';

/**
 * Recorded runs. The workflow must replay each of them, or runs that are open when a new version is deployed would
 * fail.
 */
const HISTORIES = join(ROOT, 'test/histories');

/** Sinks that count nothing. */
const SINKS: InjectedSinks<RunEndSinks> = { runs: { ended: { fn: () => undefined } } };

Runtime.install({ logger: new DefaultLogger('ERROR') });

test('the workflow replays every recorded history', async (t) => {
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: join(ROOT, 'workflows/index.ts'),
    workflowInterceptorModules: [
      join(ROOT, 'workflows/run-ends.ts'),
      join(ROOT, 'workflows/payload-guard.ts'),
    ],
    logger: new DefaultLogger('ERROR'),
  });
  for (const name of readdirSync(HISTORIES)) {
    await t.test(name, async () => {
      const history = proto.temporal.api.history.v1.History.decode(readFileSync(join(HISTORIES, name)));
      await Worker.runReplayHistory({ workflowBundle, sinks: SINKS }, history);
    });
  }
});
