import assert from 'node:assert/strict';
import { hostname, userInfo } from 'node:os';
import test, { after, before, describe } from 'node:test';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { MAX_DECISIONS_KEPT, MAX_REASON_LENGTH, type RecordedDecision } from '../../model/decisions.ts';
import { messageOf } from '../../model/errors.ts';
import { TestPipeline, eventually, queryStatus, type IngestHandle } from '../support/harness.ts';
import { badAttempts, goodAttempts } from '../support/quarantined.ts';

/** The sender that the command line names. */
const ME = `${userInfo().username}@${hostname()}`;

const REASON = 'the customer was told; “next delivery” will be right';

describe('a decision about a waiting run', () => {
  let pipeline: TestPipeline;

  before(async () => {
    pipeline = await TestPipeline.create({
      skipped: { url: 'file:bad', quarantineLimit: 0.1 },
      aborted: { url: 'file:bad', quarantineLimit: 0.1 },
      missing: { url: 'file:missing' },
      often: { url: 'file:bad', quarantineLimit: 0.1 },
    });
    await pipeline.placeFiles({ bad: JSON.stringify([...goodAttempts(1, 2), ...badAttempts(2, 1)]) });
    await pipeline.startWorker();
  });

  after(() => pipeline.close());

  /** Waits until the run has followed the given number of decisions and waits for another. */
  async function waitsAfter(run: IngestHandle, decisions: number): Promise<void> {
    await eventually(
      `${run.workflowId} waits after ${decisions} decisions`,
      async () => {
        const { state, decisions: made } = await queryStatus(run);
        return state === 'waiting' && made.latest.length + made.earlier === decisions;
      },
      60_000,
    );
  }

  async function stopped(source: string): Promise<IngestHandle> {
    const run = await pipeline.start({ source });
    await waitsAfter(run, 0);
    return run;
  }

  async function refusalOf(run: IngestHandle, note: unknown): Promise<string> {
    try {
      await run.executeUpdate('retry', { args: [note] });
    } catch (error) {
      assert(error instanceof WorkflowUpdateFailedError, messageOf(error));
      return messageOf(error.cause);
    }
    return 'none';
  }

  interface RunRow {
    readonly outcome: string;
    readonly kafka_topic: string | null;
    readonly decisions: string;
    readonly decision_count: number;
  }

  /** The run's only row in the table runs. */
  async function rowOf({ workflowId }: IngestHandle): Promise<RunRow> {
    const { stdout, stderr } = await pipeline.command(
      'query',
      '--json',
      `SELECT outcome, kafka_topic, decisions, decision_count FROM runs WHERE workflow_id = '${workflowId}'`,
    );
    assert.notEqual(stdout, '', stderr);
    const [row, ...more] = JSON.parse(stdout) as RunRow[];
    assert.ok(row);
    assert.deepEqual(more, []);
    return row;
  }

  /** Returns the decisions without their times. */
  const told = (made: readonly RecordedDecision[]): unknown[] =>
    made.map(({ decision, step, what, code, by, reason }) => [decision, step, what, code, by, reason]);

  test('is recorded with its sender and reason in the run’s status, its result and the table runs', async () => {
    const run = await stopped('skipped');
    await run.executeUpdate('retry');
    await waitsAfter(run, 1);
    const retried = await pipeline.command('retry', run.workflowId);
    assert.equal(retried.code, 0, retried.stderr);
    await waitsAfter(run, 2);
    const skipped = await pipeline.command('skip', run.workflowId, '--reason', REASON, '--json');
    assert.equal(skipped.code, 0, skipped.stderr);
    assert.deepEqual(JSON.parse(skipped.stdout), { run: run.workflowId, decision: 'skip', reason: REASON });
    const { decisions } = await run.result();
    const at = ['fetch', 'source skipped', 'QUARANTINE_LIMIT'];
    assert.deepEqual(told(decisions.latest), [
      ['retry', ...at, null, null],
      ['retry', ...at, ME, null],
      ['skip', ...at, ME, REASON],
    ]);
    const { stdout } = await pipeline.command('status', run.workflowId);
    assert.match(
      stdout,
      /^decided: retry at fetch of source skipped \(QUARANTINE_LIMIT\), 20\S+Z, by unknown/m,
    );
    assert.ok(stdout.includes(`by ${ME}, reason: ${REASON}\n`), stdout);
    const row = await rowOf(run);
    assert.equal(row.decision_count, 3);
    assert.deepEqual(JSON.parse(row.decisions), decisions.latest);
  });

  test('is in the failure of an aborted run', async () => {
    const run = await stopped('aborted');
    const { code, stderr } = await pipeline.command('abort', run.workflowId, '--reason', REASON);
    assert.equal(code, 0, stderr);
    const failure = await run.result().then(
      () => 'none',
      (error: unknown) => messageOf((error as Error).cause),
    );
    assert.ok(failure.startsWith(`aborted by ${ME} at fetch (reason: ${REASON}): source aborted`), failure);
    const { failure: said, decisions } = await queryStatus(run);
    assert.equal(said, failure);
    assert.deepEqual(
      decisions.latest.map(({ decision, by, reason }) => [decision, by, reason]),
      [['abort', ME, REASON]],
    );
    const row = await rowOf(run);
    assert.deepEqual([row.outcome, row.kafka_topic], ['aborted', `${pipeline.name}-aborted`]);
    assert.deepEqual(JSON.parse(row.decisions), decisions.latest);
    // It is not ingested: the next run is asked about the same content.
    await (await stopped('aborted')).executeUpdate('abort');
    const proof = await pipeline.command('verify');
    assert.equal(proof.code, 0, proof.stdout + proof.stderr);
  });

  test('is recorded for a run that was aborted before it knew its topic, and for one that found nothing new', async () => {
    const missing = await stopped('missing');
    await missing.executeUpdate('abort', { args: [{ by: 'me', reason: REASON }] });
    await assert.rejects(missing.result());
    const aborted = await rowOf(missing);
    assert.deepEqual([aborted.outcome, aborted.kafka_topic], ['aborted', null]);
    assert.match(aborted.decisions, /"by":"me"/);
    const late = await stopped('missing');
    await pipeline.placeFiles({ missing: '[]' });
    await late.executeUpdate('retry', { args: [{ reason: REASON }] });
    assert.equal((await late.result()).outcome, 'nothing-new');
    const retried = await rowOf(late);
    assert.equal(retried.outcome, 'nothing-new');
    assert.ok(retried.decisions.includes(REASON));
  });

  test('that is invalid is rejected with a valid form, and the run still waits', async () => {
    const run = await stopped('often');
    const long = 'r'.repeat(MAX_REASON_LENGTH + 1);
    for (const [note, why] of [
      ['because', /must be a JSON object/],
      [[], /must be a JSON object/],
      [{ reason: 7 }, /has a reason that is no text/],
      [{ reason: long }, /has a reason of 501 characters; at most 500 are allowed/],
      [{ by: long }, /has a by of 501 characters; at most 200/],
      [{ who: 'me' }, /neither by nor reason/],
      [JSON.parse('{"__proto__": "me"}'), /neither by nor reason/],
    ] as const) {
      const refusal = await refusalOf(run, note);
      assert.match(refusal, why);
      assert.ok(!refusal.includes(long));
    }
    for (const reason of [long, '  ']) {
      const { code, stderr } = await pipeline.command('retry', run.workflowId, '--reason', reason);
      assert.equal(code, 2);
      assert.match(stderr, /^USAGE_INVALID: .*It must be a text of 1 to 500 characters/);
    }
    assert.equal((await queryStatus(run)).decisions.latest.length, 0);
  });

  test('is kept if it is one of the latest, else counted', async () => {
    const run = await stopped('often');
    const all = MAX_DECISIONS_KEPT + 3;
    // Not well-formed Unicode, which Temporal does not accept everywhere.
    const notes = [null, {}, { by: null, reason: ' ' }, { by: 'a\ud800', reason: '\u001b[31m\u202e\n# x' }];
    for (let made = 0; made < all; made += 1) {
      await run.executeUpdate('retry', { args: [notes[made % notes.length]] });
      await waitsAfter(run, made + 1);
    }
    const { decisions } = await queryStatus(run);
    assert.deepEqual([decisions.latest.length, decisions.earlier], [MAX_DECISIONS_KEPT, 3]);
    assert.deepEqual(
      decisions.latest.slice(0, 4).map(({ by, reason }) => [by, reason]),
      [
        ['a\ud800', '\u001b[31m\u202e\n# x'],
        [null, null],
        [null, null],
        [null, null],
      ],
    );
    await run.executeUpdate('abort', { args: [notes[3]] });
    await assert.rejects(run.result(), ({ cause }: Error) => {
      assert.match(
        messageOf(cause),
        /^aborted by a\\u\{d800\} at fetch \(reason: \\x1b\[31m\\u\{202e\}\\n# x\)/,
      );
      return true;
    });
  });
});
