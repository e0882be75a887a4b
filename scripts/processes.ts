import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PipelineError } from '../model/errors.ts';
import type { Settings } from '../model/settings.ts';
import { makeStackFolder, stackFolder } from '../services/folder.ts';
import { ServerProcess } from '../services/process.ts';

/** Folder of the project. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Settings file of the project. */
export const SETTINGS = join(ROOT, 'pipeline.yaml');

/** Folder of the demo's servers and processes; the variable PIPELINE_SERVICES overrides it. */
export const SERVICES_FOLDER = process.env['PIPELINE_SERVICES'] ?? join(ROOT, '.services');

/** A process of this project that outlives its parent, such as a worker, and reports over HTTP that it is ready. */
export interface LocalProcess {
  readonly name: string;
  /** Arguments of Node. */
  readonly words: readonly string[];
  /** URL that answers 200 when the process is ready. */
  readonly health: string;
}

const READY_MS = 60_000;

/** Returns the worker of these settings. */
export function workerProcess(settings: Settings): LocalProcess {
  return {
    name: 'worker',
    words: [join(ROOT, 'bin/worker.js')],
    health: `http://127.0.0.1:${settings.worker.healthPort}/healthz`,
  };
}

/**
 * Returns a customer's platform that serves generated attempts, or those of a file.
 * @param url URL of the source, which has the port to listen on.
 */
export function platformProcess(name: string, url: string, file: string | undefined): LocalProcess {
  const { port, origin } = new URL(url);
  const serve = file === undefined ? [] : ['--file', file];
  return {
    name,
    words: [
      '--import',
      import.meta.resolve('tsx'),
      join(ROOT, 'simulator/main.ts'),
      '--port',
      port,
      ...serve,
    ],
    health: `${origin}/health`,
  };
}

/** Starts a process, stops the one of an earlier start first, and waits until it is ready. */
export async function restart(local: LocalProcess): Promise<void> {
  const folder = stackFolder(SERVICES_FOLDER);
  await makeStackFolder(folder);
  const server = new ServerProcess(local.name, folder);
  await server.stop();
  await server.start({
    program: process.execPath,
    args: [...local.words],
    env: { PIPELINE_CONFIG: SETTINGS },
  });
  await server.waitUntilReady(() => requireReady(local), READY_MS);
}

/** Stops the processes of earlier starts. */
export async function stop(names: readonly string[]): Promise<void> {
  const folder = stackFolder(SERVICES_FOLDER);
  for (const name of names) await new ServerProcess(name, folder).stop();
}

async function requireReady({ name, health }: LocalProcess): Promise<void> {
  const answer = await fetch(health, { signal: AbortSignal.timeout(2_000) });
  await answer.body?.cancel();
  if (!answer.ok) throw new PipelineError('SERVICE_NOT_READY', `${name}: ${health} answers ${answer.status}`);
}
