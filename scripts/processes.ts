import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PipelineError } from '../model/errors.ts';
import type { Settings } from '../model/settings.ts';
import { makeStackFolder, stackFolder } from '../services/folder.ts';
import { ServerProcess } from '../services/process.ts';

/** The project's folder. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The project's own settings. */
export const SETTINGS = join(ROOT, 'pipeline.yaml');

/** Where the servers and the processes of the demo keep what they have; PIPELINE_SERVICES names another folder. */
export const SERVICES_FOLDER = process.env['PIPELINE_SERVICES'] ?? join(ROOT, '.services');

/** A process of this project that outlives its parent, such as a worker, and reports over HTTP that it is ready. */
export interface LocalProcess {
  readonly name: string;
  /** The arguments of Node. */
  readonly words: readonly string[];
  /** Answers 200 when it is ready. */
  readonly health: string;
}

const READY_MS = 60_000;

/** The worker of these settings. */
export function workerProcess(settings: Settings): LocalProcess {
  return {
    name: 'worker',
    words: [join(ROOT, 'bin/worker.js')],
    health: `http://127.0.0.1:${settings.worker.healthPort}/healthz`,
  };
}

/**
 * A customer's platform that serves generated attempts, or those of a file.
 * @param url The source's url, whose port it listens on.
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

/** Stops processes that earlier starts left. */
export async function stop(names: readonly string[]): Promise<void> {
  const folder = stackFolder(SERVICES_FOLDER);
  for (const name of names) await new ServerProcess(name, folder).stop();
}

async function requireReady({ name, health }: LocalProcess): Promise<void> {
  const answer = await fetch(health, { signal: AbortSignal.timeout(2_000) });
  await answer.body?.cancel();
  if (!answer.ok) throw new PipelineError('SERVICE_NOT_READY', `${name}: ${health} answers ${answer.status}`);
}
