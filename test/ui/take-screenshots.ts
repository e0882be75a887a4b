/**
 * Takes the screenshots of docs/images/, or writes them into another folder: npx tsx test/ui/take-screenshots.ts [FOLDER]
 *
 * It starts all that it needs on free ports, starts runs by the Temporal UI's form in a real browser, and stops
 * everything at the end.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { startPlatform } from '../../simulator/server.ts';
import { startStack, type Stack } from '../../services/stack.ts';
import { TemporalUi } from './temporal-ui.ts';
import { ROOT } from '../../scripts/processes.ts';

const IMAGES = process.argv[2] ?? join(ROOT, 'docs/images');
const TASK_QUEUE = 'ingest';

const folder = await mkdtemp(join(tmpdir(), 'pipeline-screenshots-'));
const platform = await startPlatform();
const stack = await startStack({ folder: join(folder, 'services'), ports: 'free', progress: say });
const settingsFile = await writeSettings(stack, platform.url);
const worker = startWorker(settingsFile);
const ui = await TemporalUi.open(stack.temporal.uiUrl);
try {
  await takesWork(worker);
  await mkdir(IMAGES, { recursive: true });
  await takeFinishedRun();
  await takeWaitingRun();
  await takeMemo(settingsFile);
  await takeReport(settingsFile);
} finally {
  await ui.close();
  worker.kill('SIGTERM');
  if (worker.exitCode === null) await once(worker, 'exit');
  await platform.close();
  await stack.stop();
  await rm(folder, { recursive: true });
}

async function takeFinishedRun(): Promise<void> {
  const form = { workflowId: 'pearson-monday', taskQueue: TASK_QUEUE, input: '{"source": "pearson"}' };
  await ui.fillStartForm(form);
  await take('start-form', 960);
  await ui.start(form);
  await ui.waitForStatus('Completed');
  await ui.page.reload();
  await ui.currentDetails(/landed in/);
  await take('finished-details', 900);
  await resize(1560);
  await ui.openTab('History');
  await ui.page.getByRole('button', { name: 'Compact' }).click();
  await ui.page.getByText('chunk 1 of 1').last().waitFor();
  await take('finished-history', 1560);
}

async function takeWaitingRun(): Promise<void> {
  await ui.start({ workflowId: 'acme-monday', taskQueue: TASK_QUEUE, input: '{"source": "acme"}' });
  await ui.currentDetails(/waits for a person/);
  await ui.page.reload();
  await ui.currentDetails(/waits for a person/);
  await take('waiting-details', 760);
}

/** Takes the pages of a run that a schedule started: its request and its originator. */
async function takeMemo(settings: string): Promise<void> {
  await pipeline(settings, 'schedule', 'set', 'pearson', '--every', '1d', '--paused');
  const triggered = await pipeline(settings, 'schedule', 'trigger', 'pearson', '--json');
  const { run } = JSON.parse(triggered) as { run: string };
  await ui.openRun(run);
  await ui.waitForStatus('Completed');
  await ui.page.reload();
  await ui.openTab('User Metadata');
  await ui.page.locator('main iframe').first().contentFrame().getByText('ingest pearson').waitFor();
  await ui.openTab('Memo');
  await ui.page.getByText('startedBy').waitFor();
  await take('memo', 640);
}

async function takeReport(settings: string): Promise<void> {
  const file = join(folder, 'report.html');
  await pipeline(settings, 'report', '--source', 'pearson', '--output', file);
  await ui.page.goto(pathToFileURL(file).href);
  await take('report', 1500);
}

/** Runs a command; returns its output. */
async function pipeline(settings: string, ...words: string[]): Promise<string> {
  const program = [join(ROOT, 'bin/pipeline.js'), ...words, '--config', settings];
  const { stdout } = await promisify(execFile)(process.execPath, program);
  return stdout;
}

async function resize(height: number): Promise<void> {
  await ui.page.setViewportSize({ width: 1440, height });
}

/** As high as asked, with what the mouse left behind taken away. */
async function take(name: string, height: number): Promise<void> {
  await resize(height);
  await ui.page.mouse.move(0, 0);
  const path = join(IMAGES, `${name}.png`);
  await ui.page.screenshot({ path, animations: 'disabled' });
  say(path);
}

async function writeSettings({ temporal, kafka, hdfs }: Stack, platformUrl: string): Promise<string> {
  const file = join(folder, 'pipeline.yaml');
  const settings = {
    temporal: { address: temporal.address, uiUrl: temporal.uiUrl, taskQueue: TASK_QUEUE },
    kafka: { brokers: kafka.brokers },
    hdfs: { nameNodes: [hdfs.nameNodeHttp] },
    worker: { staging: 'staging', healthPort: 0 },
    sources: {
      pearson: { url: `${platformUrl}/attempts`, topic: 'attempts-pearson' },
      acme: { url: `${platformUrl}/attempts?fault=status&status=403`, topic: 'attempts-acme' },
    },
  };
  await writeFile(file, stringify(settings));
  return file;
}

function startWorker(settingsFile: string): ChildProcess {
  return spawn(process.execPath, [join(ROOT, 'bin/worker.js')], {
    cwd: ROOT,
    env: { ...process.env, PIPELINE_CONFIG: settingsFile },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

/** Reads the worker's log up to that line. */
async function takesWork({ stderr }: ChildProcess): Promise<void> {
  let log = '';
  for await (const piece of stderr?.setEncoding('utf8').iterator({ destroyOnReturn: false }) ?? []) {
    log += String(piece);
    if (log.includes('the worker accepts tasks')) break;
  }
  stderr?.resume();
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
