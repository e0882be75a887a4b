import { fileURLToPath } from 'node:url';
import type { WorkerOptions } from '@temporalio/worker';

/** Names the file of the workflows' code where an image was built with it; else it is bundled at the start. */
const BUNDLE_VARIABLE = 'PIPELINE_WORKFLOW_BUNDLE';

/** What stands around each workflow; docker/bundle-workflows.js puts the same into the image. */
const MODULES = ['../workflows/run-ends.ts'];

/** Where the workflows' code comes from. A bundle is only taken when it is named: one left over could be old. */
export function workflowCode(): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> & {
  readonly workflowModules?: string[];
} {
  const codePath = process.env[BUNDLE_VARIABLE] ?? '';
  return codePath === ''
    ? { workflowsPath: pathOf('../workflows/index.ts'), workflowModules: MODULES.map(pathOf) }
    : { workflowBundle: { codePath } };
}

function pathOf(module: string): string {
  return fileURLToPath(new URL(module, import.meta.url));
}
