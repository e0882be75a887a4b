import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { WorkflowBundleOption } from '@temporalio/worker';

/** The environment variable with the path of a prebuilt workflow bundle; without it, the worker bundles at its start. */
export const BUNDLE_VARIABLE = 'PIPELINE_WORKFLOW_BUNDLE';

const BUNDLER = fileURLToPath(new URL('bundle-workflows.js', import.meta.url));

/** Returns the workflow bundle. A prebuilt one is used only if the variable names it: a leftover could be outdated. */
export async function workflowCode(): Promise<WorkflowBundleOption> {
  const codePath = process.env[BUNDLE_VARIABLE] ?? '';
  return codePath === '' ? { code: await bundleCode() } : { codePath };
}

/**
 * Bundles the workflows into a file, in a separate process: the bundler keeps its memory, which the garbage collector
 * would scan for as long as the worker runs.
 */
export async function bundleWorkflows(file: string): Promise<void> {
  await promisify(execFile)(process.execPath, [BUNDLER, file]);
}

async function bundleCode(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pipeline-workflows-'));
  try {
    const file = join(folder, 'workflows.js');
    await bundleWorkflows(file);
    return await readFile(file, 'utf8');
  } finally {
    await rm(folder, { recursive: true });
  }
}
