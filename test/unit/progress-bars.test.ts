import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { ProgressBars } from '../../client/runs/progress-bars.ts';
import type { RunStatus, StepCounts } from '../../model/run.ts';
import { NOTHING_SKIPPED } from '../../model/skipped.ts';

const NONE: StepCounts = { recordsIn: 0, recordsOut: 0, quarantined: 0, bytes: 0, seconds: 0 };

const BEGUN: RunStatus = {
  state: 'running',
  step: 'fetch',
  waiting: null,
  failure: null,
  chunks: 0,
  chunksPublished: 0,
  offsetsDue: 0,
  offsetsConsumed: 0,
  offsetsTransformed: 0,
  offsetsLanded: 0,
  source: 'acme',
  topic: '',
  interval: { from: null, to: null },
  content: null,
  batches: 0,
  gaps: 0,
  rows: {},
  steps: { fetch: NONE, publish: NONE, consume: NONE, transform: NONE, land: NONE },
  offsets: [],
  ...NOTHING_SKIPPED,
  decisions: { latest: [], earlier: 0 },
  unknownFields: {},
  otherUnknownFields: { paths: 0, fields: 0 },
  reasons: { named: [], others: 0 },
};

const FETCHED: RunStatus = {
  ...BEGUN,
  step: 'publish',
  chunks: 8,
  content: { format: 'ndjson', sha256: '0', records: 2000, bytes: 4 << 20, chunks: 1 },
  steps: { ...BEGUN.steps, fetch: { ...NONE, recordsIn: 2000, recordsOut: 2000, bytes: 4 << 20 } },
};

const LANDING: RunStatus = {
  ...FETCHED,
  step: 'land',
  chunksPublished: 8,
  offsetsDue: 2000,
  offsetsConsumed: 1500,
  offsetsTransformed: 1000,
  offsetsLanded: 500,
};

const EMPTY = '························';

function bar(filled: number, percent: number): string {
  return `${'█'.repeat(filled)}${'░'.repeat(24 - filled)} ${`${percent} %`.padStart(5)}`;
}

describe('the bars of a run', () => {
  test('show the progress of each step, once its total is known', () => {
    const bars = new ProgressBars(0);
    assert.deepEqual(bars.lines(BEGUN, 2000), [
      'acme: fetch, watched for 2s',
      `fetch     ${EMPTY}`,
      `publish   ${EMPTY}`,
      `consume   ${EMPTY}`,
      `transform ${EMPTY}`,
      `land      ${EMPTY}`,
    ]);
    assert.deepEqual(bars.lines(LANDING, 3000), [
      'acme: land, watched for 3s',
      `fetch     ${bar(24, 100)} 2,000 records, 4.0 MiB`,
      `publish   ${bar(24, 100)}`,
      `consume   ${bar(18, 75)}`,
      `transform ${bar(12, 50)}`,
      `land      ${bar(6, 25)}`,
    ]);
  });

  test('show the rate and the remaining time of a step, by the last ten seconds', () => {
    const bars = new ProgressBars(0);
    const publish = (chunksPublished: number, ms: number): string =>
      bars.lines({ ...FETCHED, chunksPublished }, ms)[2] ?? '';
    assert.equal(publish(0, 0), `publish   ${bar(0, 0)}`);
    assert.equal(publish(1, 500), `publish   ${bar(3, 12)}`, 'too soon to say');
    assert.equal(publish(2, 2000), `publish   ${bar(6, 25)} 1.0 chunks/s, 6s left`);
    assert.equal(publish(2, 8000), `publish   ${bar(6, 25)} 0.3 chunks/s, 24s left`);
    assert.equal(publish(2, 40_000), `publish   ${bar(6, 25)}`, 'it does not change');
    assert.equal(publish(8, 41_000), `publish   ${bar(24, 100)}`);
  });

  test('count landed rows and quarantined records', () => {
    const transform = { ...NONE, recordsIn: 1000, recordsOut: 990, quarantined: 10, bytes: 2048 };
    const lines = new ProgressBars(0).lines({ ...LANDING, steps: { ...LANDING.steps, transform } }, 0);
    assert.equal(lines[4], `transform ${bar(12, 50)} 990 records, 10 quarantined, 2.0 KiB`);
  });

  test('are full where a run completed, also without work; not where it failed or waits', () => {
    const full = bar(24, 100);
    for (const state of ['landed', 'unchanged', 'nothing-new'] as const) {
      const lines = new ProgressBars(0).lines({ ...BEGUN, state }, 0);
      assert.ok(
        lines.slice(1).every((line) => line.endsWith(full)),
        state,
      );
    }
    const failed = new ProgressBars(0).lines({ ...LANDING, state: 'failed', failure: 'x' }, 0);
    assert.equal(failed[0], 'acme: failed, watched for 0s');
    assert.equal(failed[5], `land      ${bar(6, 25)}`);
    const told = { code: 'X', message: 'x', advice: 'x' };
    const waiting = {
      ...told,
      step: 'land',
      what: 'x',
      since: '2026-01-01T00:00:00Z',
      canSkip: false,
    } as const;
    const [head] = new ProgressBars(0).lines({ ...LANDING, state: 'waiting', waiting }, 0);
    assert.equal(head, 'acme: waits for a person at land, watched for 0s');
  });
});
