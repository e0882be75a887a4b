import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { WorkflowBundleOption } from '@temporalio/worker';

/** Names the file of the workflows' code where an image was built with it; else it is bundled at the start. */
export const BUNDLE_VARIABLE = 'PIPELINE_WORKFLOW_BUNDLE';

const BUNDLER = fileURLToPath(new URL('bundle-workflows.js', import.meta.url));

/** Where the workflows' code comes from. A bundle is only taken when it is named: one left over could be old. */
export async function workflowCode(): Promise<WorkflowBundleOption> {
  const codePath = process.env[BUNDLE_VARIABLE] ?? '';
  return codePath === '' ? { code: await bundledCode() } : { codePath };
}

/**
 * Bundles into a file, in a process of its own: the bundler never gives back its memory, which every search for garbage
 * would go through for as long as the worker runs.
 */
export async function bundleWorkflows(file: string): Promise<void> {
  await promisify(execFile)(process.execPath, [BUNDLER, file]);
}

async function bundledCode(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pipeline-workflows-'));
  try {
    const file = join(folder, 'workflows.js');
    await bundleWorkflows(file);
    return await readFile(file, 'utf8');
  } finally {
    await rm(folder, { recursive: true });
  }
}
