// Bundles the workflows, for an image or for a worker that has no bundle.
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';

const file = process.argv[2];
if (file === undefined) throw new Error('usage: node worker/bundle-workflows.js FILE');
const { code } = await bundleWorkflowCode({
  workflowsPath: modulePath('../workflows/index'),
  workflowInterceptorModules: [modulePath('../workflows/run-ends'), modulePath('../workflows/payload-guard')],
});
await mkdir(dirname(file), { recursive: true });
await writeFile(file, code);

/** Returns the path of a module's source, or of its compiled file beside this one. */
function modulePath(module) {
  const path = fileURLToPath(new URL(module, import.meta.url));
  return existsSync(`${path}.ts`) ? `${path}.ts` : `${path}.js`;
}
