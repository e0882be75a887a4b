// Bundles the workflows: where an image is built, or for a worker that has no bundle.
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';

const file = process.argv[2];
if (file === undefined) throw new Error('usage: node worker/bundle-workflows.js FILE');
const { code } = await bundleWorkflowCode({
  workflowsPath: pathOf('../workflows/index'),
  // What stands around each workflow.
  workflowInterceptorModules: [pathOf('../workflows/run-ends'), pathOf('../workflows/payload-guard')],
});
await mkdir(dirname(file), { recursive: true });
await writeFile(file, code);

/** The module as a source, or as it is beside this one when both are compiled. */
function pathOf(module) {
  const path = fileURLToPath(new URL(module, import.meta.url));
  return existsSync(`${path}.ts`) ? `${path}.ts` : `${path}.js`;
}
