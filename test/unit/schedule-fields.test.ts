import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { diffFields, formatChanges, wantedFields } from '../../client/schedules/fields.ts';
import { schedulePlanOf, requestFromArgs } from '../../client/schedules/plan.ts';
import type { SourceSettings } from '../../model/settings.ts';

const SOURCE = {
  format: 'json-array',
  topic: 'topic',
  url: 'http://customer/?from={from}',
} as SourceSettings;
const HOURLY = wantedFields(schedulePlanOf('pearson', SOURCE, { every: '1h' }), 'ingest', {});

describe('the differences of a schedule', () => {
  test('from none: each key of the settings is new', () => {
    assert.deepEqual(formatChanges(diffFields(HOURLY, undefined)), [
      '  + every     1h',
      '  + interval  1h',
      '  + catchUp   3d',
      '  + paused    false',
    ]);
  });

  test('from itself: none', () => {
    const changes = diffFields(HOURLY, HOURLY);
    assert.deepEqual(new Set(changes.map(({ change }) => change)), new Set(['=']));
  });

  test('changed, new and removed keys are marked', () => {
    const words = { cron: '0 3 * * *', timezone: 'Europe/Berlin', interval: '25h', catchUp: '1d' };
    const wanted = wantedFields(schedulePlanOf('pearson', SOURCE, words), 'ingest', {
      paused: true,
      note: 'new',
    });
    assert.deepEqual(formatChanges(diffFields(wanted, HOURLY)), [
      '  - every     1h',
      '  + cron      0 3 * * *',
      '  + timezone  Europe/Berlin',
      '  ~ interval  1h → 1d1h',
      '  ~ catchUp   3d → 1d',
      '  ~ paused    false → true',
      '  + note      new',
    ]);
  });

  test('its paused state and its note stay where the settings do not set them', () => {
    const there = { ...HOURLY, paused: 'true', note: 'the customer moves servers' };
    const plan = schedulePlanOf('pearson', SOURCE, { every: '1h' });
    assert.equal(wantedFields(plan, 'ingest', {}, there).paused, 'true');
    assert.equal(wantedFields(plan, 'ingest', {}, there).note, 'the customer moves servers');
    assert.equal(wantedFields(plan, 'ingest', { paused: false }, there).paused, 'false');
  });

  test('changes made in the Temporal UI are reported, though the settings have no key for them', () => {
    const there = { ...HOURLY, overlap: 'ALLOW_ALL', jitter: '30s', taskQueue: 'another' };
    const changed = diffFields(HOURLY, there).filter(({ change }) => change !== '=');
    assert.deepEqual(formatChanges(changed), [
      '  ~ overlap    ALLOW_ALL → BUFFER_ALL',
      '  ~ taskQueue  another → ingest',
      '  - jitter     30s',
    ]);
  });

  test('any request in a schedule can be read', () => {
    for (const args of [undefined, null, [], [null], ['x'], [[]]])
      assert.equal(requestFromArgs(args).interval, undefined, JSON.stringify(args));
    for (const interval of [5, null, { toString: 1, valueOf: 1 }, ['1h']]) {
      const there = requestFromArgs([{ source: 'pearson', interval }]);
      assert.deepEqual(there, { request: { source: 'pearson', interval }, interval: undefined });
    }
    assert.equal(requestFromArgs([{ source: 'pearson', interval: 'PT1H' }]).interval, 'PT1H');
  });
});
