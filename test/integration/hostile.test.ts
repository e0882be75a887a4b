import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import type { Command } from 'commander';
import { loadProgram } from '../../client/cli/program.ts';
import type { RunStatus } from '../../model/run.ts';
import { FORBIDDEN, HOSTILE } from '../support/hostile.ts';
import { TestPipeline, eventually, queryStatus, type TestWorker } from '../support/harness.ts';
import { badAttempts, goodAttempts } from '../support/quarantined.ts';

const ALL = HOSTILE.join(' ').replaceAll('\ud800', '');

/** Schedules are kept by the name of their source, for all pipelines of a Temporal. */
const SOURCE = `hostile-${Date.now().toString(36)}`;

/** A run's id as anybody may choose it; what Temporal does not accept in one is left out. */
const ID = `${SOURCE}-\u001b[31m\u202e\u0085x`;

/** Attempts whose texts, field names and wrong values are hostile. */
function content(): string {
  const good = goodAttempts(1, 3).map((attempt) => ({ ...attempt, exam_name: ALL, [`new ${ALL}`]: 1 }));
  const bad = badAttempts(2, 1).map((attempt) => ({ ...attempt, [ALL]: ALL }));
  return JSON.stringify([...good, ...bad, { [ALL]: ALL }, ALL, { keen_id: 'x'.repeat(800_000) }]);
}

/** Every command that does something, by the words that call it. */
function leavesUnder(command: Command, path: string[]): string[] {
  if (command.commands.length === 0) return [path.join(' ')];
  return command.commands.flatMap((sub) => leavesUnder(sub, [...path, sub.name()]));
}

const QUERY = `SELECT exam_name, 'x' AS "${ALL.replaceAll('\0', '').replaceAll('"', '""')}" FROM attempts ORDER BY 1`;

describe('data, names and reasons with terminal control sequences', () => {
  let pipeline: TestPipeline;
  let worker: TestWorker;

  before(async () => {
    pipeline = await TestPipeline.create({ [SOURCE]: { url: 'file:hostile', quarantineLimit: 0.1 } });
    await pipeline.placeFiles({ hostile: content() });
    worker = await pipeline.startWorker();
    const run = await pipeline.client.workflow.start('ingest', {
      taskQueue: pipeline.settings.temporal.taskQueue,
      workflowId: ID,
      args: [{ source: SOURCE }],
    });
    await eventually('it waits', async () => (await queryStatus(run)).state === 'waiting', 60_000);
    const { code, stderr } = await pipeline.command('skip', ID, '--reason', ALL.replaceAll('\0', ''));
    assert.equal(code, 0, stderr);
    await run.result();
  });

  after(() => pipeline.close());

  /** The words that each command is tried with, besides --help; with what it is about to show. */
  const CASES: Readonly<Record<string, readonly (readonly string[])[]>> = {
    preview: [[SOURCE], [SOURCE, '--json'], [ID]],
    start: [[ID], [SOURCE, '--from', ID]],
    list: [[], ['--json'], ['--source', ID]],
    status: [[], [ID], [ID, '--json'], [ID, '--follow'], [`${ID}none`], [`${ID}none`, '--json']],
    retry: [[ID], [ID, '--json'], [ID, '--reason', ' ']],
    skip: [[ID]],
    abort: [[ID]],
    'schedule apply': [[ID], ['--dry-run', SOURCE]],
    'schedule set': [
      [SOURCE, '--every', ID],
      [SOURCE, '--every', '30d', '--paused', '--note', ALL.replaceAll('\0', '')],
    ],
    'schedule list': [[], ['--json']],
    'schedule show': [[SOURCE], [SOURCE, '--json'], [ID]],
    'schedule pause': [[SOURCE, '--note', ID], [ID]],
    'schedule resume': [[ID]],
    'schedule trigger': [[ID]],
    'schedule backfill': [[ID, '--from', '2026-01-01', '--to', '2026-01-02']],
    'schedule delete': [[SOURCE], [ID]],
    'quarantine list': [[], ['--json'], ['--reason', ID], ['--source', ID]],
    'quarantine show': [[ID], [`${ID}/0/0`]],
    'quarantine replay': [['--all', '--dry-run'], ['--all', '--dry-run', '--json'], [ID]],
    answers: [[], ['--json'], ['--source', ID]],
    report: [['--json'], ['--output', ID], ['--source', ID]],
    query: [
      [QUERY],
      [QUERY, '--json'],
      [QUERY, '--csv-safe'],
      [QUERY, '--explain'],
      [`FROM enable_logging(storage = 'stdout'); ${QUERY}`],
      ['FROM runs'],
      ['FROM quarantine'],
      ['FROM deliveries', '--json'],
      ['SELECT exam_name::INTEGER FROM attempts'],
      [`SELECT error(exam_name) FROM attempts`],
      [`SELECT ${ID}`],
      [`SELECT ${ID}`, '--json'],
    ],
    tables: [[], ['--json'], ['attempts'], [ID]],
    history: [['attempts'], ['runs', '--json'], [ID]],
    maintain: [['--dry-run'], ['--dry-run', '--json'], ['runs', '--follow'], [ID]],
    rebuild: [['attempts', '--dry-run'], ['options', '--follow'], [ID]],
    restore: [['attempts', '--to', ID], ['attempts', '--to', '0'], ['runs', '--to', '0', '--yes'], [ID]],
    erase: [[SOURCE, '--person-file', ID], [ID, '--person-file', '-'], [ID]],
    doctor: [[], ['--json']],
    verify: [[], ['--json']],
    completion: [['bash'], [ID]],
  };

  test('every command is tested', async () => {
    assert.deepEqual(Object.keys(CASES).sort(), leavesUnder(await loadProgram(), []).sort());
  });

  for (const [command, tries] of Object.entries(CASES)) {
    test(`${command} writes no terminal control sequence`, async () => {
      for (const words of [...tries, ['--help'], [`--${ID}`]]) {
        const { stdout, stderr } = await pipeline.command(...command.split(' '), ...words);
        // The lines of a CSV end as in RFC 4180.
        for (const text of [stdout.replaceAll('\r\n', '\n'), stderr])
          assert.doesNotMatch(
            text,
            FORBIDDEN,
            `${command} ${JSON.stringify(words)}: ${JSON.stringify(text)}`,
          );
      }
    });
  }

  test('JSON parses to the exact values', async () => {
    const { stdout } = await pipeline.command('query', '--json', 'SELECT exam_name FROM attempts LIMIT 1');
    assert.deepEqual(JSON.parse(stdout), [{ exam_name: ALL }]);
    const status = JSON.parse((await pipeline.command('status', ID, '--json')).stdout) as RunStatus;
    assert.equal(status.decisions.latest[0]?.reason, ALL.replaceAll('\0', '').trim());
  });

  test('a CSV is exact in a pipe', async () => {
    const { stdout } = await pipeline.command(
      'query',
      '--format',
      'csv',
      'SELECT exam_name FROM attempts LIMIT 1',
    );
    assert.equal(stdout, `exam_name\r\n"${ALL.replaceAll('"', '""')}"\r\n`);
  });

  test('each quarantined record is shown, and one of 800 KB is truncated', async () => {
    const { stdout } = await pipeline.command('quarantine', 'list', '--json');
    const { rows } = JSON.parse(stdout) as { rows: { reference: string }[] };
    assert.ok(rows.length > 2);
    for (const { reference } of rows) {
      const shown = await pipeline.command('quarantine', 'show', reference);
      assert.equal(shown.code, 0, shown.stderr);
      assert.doesNotMatch(shown.stdout + shown.stderr, FORBIDDEN);
    }
    const cut = await pipeline.command('query', `SELECT repeat('x', 800000) AS long`);
    assert.match(cut.stdout, /x… \(800,000 characters\) │/);
  });

  test('neither the report’s page nor the worker’s log has one', async () => {
    const file = join(pipeline.folder, 'page.html');
    const { code, stderr } = await pipeline.command('report', '--output', file);
    assert.equal(code, 0, stderr);
    assert.doesNotMatch((await readFile(file, 'utf8')).replaceAll('\t', ''), FORBIDDEN);
    assert.doesNotMatch(await readFile(worker.log, 'utf8'), FORBIDDEN);
  });
});
