/**
 * Shows the whole pipeline: servers, a customer's platform, a worker, a run, and `pipeline answers`. Everything stays up
 * by default.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { messageOf, PipelineError } from '../model/errors.ts';
import { readSettings, sourceOf, type Settings } from '../model/settings.ts';
import { startStack } from '../services/stack.ts';
import { ROOT, SERVICES_FOLDER, SETTINGS, platformProcess, restart, workerProcess } from './processes.ts';
import { stopAll } from './stop-all.ts';

const USAGE = `Shows the pipeline at work: npm run demo [-- --data FILE] [-- --exit]

  --data FILE   ingest this file (a JSON array of attempts, gzip or plain) instead of generated attempts
  --exit        stop everything at the end
`;

try {
  const { values } = parseArgs({
    options: { data: { type: 'string' }, exit: { type: 'boolean' }, help: { type: 'boolean' } },
  });
  if (values.help === true) say(USAGE);
  else await demo(values.data === undefined ? undefined : resolve(values.data), values.exit === true);
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n${error instanceof PipelineError ? `${error.advice}\n` : ''}`);
  process.exitCode = 1;
}

async function demo(data: string | undefined, exit: boolean): Promise<void> {
  if (data !== undefined && !existsSync(data))
    throw new PipelineError('SETTINGS_INVALID', `there is no file ${data}`);
  const settings = readSettings(SETTINGS);
  const source = data === undefined ? 'pearson' : 'given';
  heading('Starting the servers');
  const stack = await startStack({
    folder: SERVICES_FOLDER,
    ports: 'default',
    detached: true,
    progress: say,
  });
  await Promise.all([startPlatform(settings, source, data), restart(workerProcess(settings))]);
  say(`worker: ready at ${workerProcess(settings).health}`);

  heading(`Ingesting ${data ?? 'generated attempts'} as source ${source}`);
  await pipeline('start', source, '--follow');
  heading('What the attempts answer, each counted once');
  await pipeline('answers', '--source', source, '--deduplicated');
  const page = join(SERVICES_FOLDER, 'report.html');
  heading('The same, and more, as a page');
  await pipeline('report', '--source', source, '--output', page, '--force');
  heading('Keeping the tables small, every hour');
  await pipeline('schedule', 'apply');
  heading('Where to look');
  say(`Report    ${pathToFileURL(page).href}`);
  say(`Temporal  ${stack.temporal.uiUrl}`);
  say(`HDFS      ${stack.hdfs.nameNodeHttp}/explorer.html#${settings.hdfs.warehouse}`);
  say(`Ask       npx pipeline query "SELECT exam_name, avg(correct) FROM attempts GROUP BY ALL"`);
  say(`Prove     npx pipeline verify`);
  if (exit) await stopAll(say);
  else say('Stop      npm run stop');
}

async function startPlatform(settings: Settings, source: string, data: string | undefined): Promise<void> {
  const { url = '' } = sourceOf(settings, source);
  const platform = platformProcess(`platform-${source}`, url, data);
  await restart(platform);
  say(`customer’s platform: ready at ${url}`);
}

async function pipeline(...words: string[]): Promise<void> {
  const child = spawn(process.execPath, [resolve(ROOT, 'bin/pipeline.js'), ...words], {
    stdio: 'inherit',
    env: { ...process.env, PIPELINE_CONFIG: SETTINGS },
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0)
    throw new PipelineError('RUN_FAILED', `pipeline ${words.join(' ')} ended with ${code ?? 'a signal'}`);
}

function heading(text: string): void {
  say(`\n${text}\n${'─'.repeat(text.length)}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
