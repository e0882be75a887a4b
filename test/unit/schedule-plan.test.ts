import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { schedulePlanOf, policiesOf, requestOf, toScheduleSpec } from '../../client/schedules/plan.ts';
import { formatDuration, isoDuration, parseDuration } from '../../model/duration.ts';
import { PipelineError } from '../../model/errors.ts';
import type { ScheduleInput } from '../../model/schedule-input.ts';
import type { SourceSettings } from '../../model/settings.ts';

const BASE = { format: 'json-array', topic: 'topic' } as SourceSettings;
const WHOLE: SourceSettings = { ...BASE, url: 'http://customer/attempts' };
const BY_INTERVAL: SourceSettings = { ...BASE, url: 'http://customer/attempts?from={from}&to={to}' };

describe('the plan of a schedule', () => {
  test('a schedule of every 15 minutes with {from} and {to} ingests 15 minutes per run', () => {
    const plan = schedulePlanOf('pearson', BY_INTERVAL, { every: '15m' });
    assert.deepEqual(requestOf(plan), { source: 'pearson', interval: 'PT15M' });
    assert.deepEqual(toScheduleSpec(plan), { intervals: [{ every: 900_000 }] });
  });

  test('a run can ingest more than the time since the previous one', () => {
    assert.deepEqual(requestOf(schedulePlanOf('pearson', BY_INTERVAL, { every: '15m', interval: '1h' })), {
      source: 'pearson',
      interval: 'PT1H',
    });
  });

  test('a source without {from} and {to} has no interval', () => {
    assert.deepEqual(requestOf(schedulePlanOf('pearson', WHOLE, { every: '1d' })), { source: 'pearson' });
    assert.deepEqual(requestOf(schedulePlanOf('others', BASE, { every: '1m', interval: 'none' })), {
      source: 'others',
    });
  });

  test('a cron expression keeps its words and its time zone', () => {
    const words = { cron: '0 3 * * *', timezone: 'Europe/Berlin', interval: 'P1D' };
    const plan = schedulePlanOf('pearson', BY_INTERVAL, words);
    assert.deepEqual(toScheduleSpec(plan), {
      cronExpressions: ['0 3 * * * # 0 3 * * *'],
      timezone: 'Europe/Berlin',
    });
    assert.equal(plan.interval, 86_400);
  });

  test('an interval is queued behind an open run, since no other run ingests it; a full ingest is not', () => {
    assert.equal(policiesOf(schedulePlanOf('pearson', BY_INTERVAL, { every: '1h' })).overlap, 'BUFFER_ALL');
    assert.equal(policiesOf(schedulePlanOf('pearson', WHOLE, { every: '1h' })).overlap, 'SKIP');
  });

  const refused: [what: string, source: SourceSettings, words: ScheduleInput, message: RegExp][] = [
    ['neither --every nor --cron', WHOLE, {}, /one of --every, as 15m, and --cron/],
    ['both', WHOLE, { every: '1h', cron: '0 3 * * *' }, /one of --every, as 15m, and --cron/],
    ['an invalid duration', WHOLE, { every: 'hourly' }, /--every "hourly": must be a duration/],
    ['no time at all', WHOLE, { every: '0s' }, /--every "0s": must be a duration/],
    ['a part of a second', WHOLE, { every: '1.5s' }, /--every "1.5s": must be a duration of whole seconds/],
    [
      'a time zone without cron',
      WHOLE,
      { every: '1h', timezone: 'UTC' },
      /--timezone "UTC": belongs to --cron/,
    ],
    ['an unknown time zone', WHOLE, { cron: '0 3 * * *', timezone: 'Berlin' }, /--timezone "Berlin"/],
    [
      'a time zone that is an offset',
      WHOLE,
      { cron: '0 3 * * *', timezone: '+02:00' },
      /--timezone "\+02:00"/,
    ],
    ['no expression', WHOLE, { cron: ' ' }, /--cron " ": must be an expression/],
    [
      'a catch-up that Temporal lengthens',
      WHOLE,
      { every: '1h', catchUp: '9s' },
      /--catch-up "9s": must be at/,
    ],
    ['an interval that the url cannot ask for', WHOLE, { every: '1h', interval: '1h' }, /neither \{from\}/],
    ['no interval where the url asks for one', BY_INTERVAL, { every: '1h', interval: 'none' }, /needs an/],
    ['cron without an interval', BY_INTERVAL, { cron: '0 3 * * *' }, /give --interval, the length/],
    ['a time zone in the expression', WHOLE, { cron: 'TZ=UTC 0 3 * * *' }, /give --timezone instead/],
    ['@every in the expression', WHOLE, { cron: '@every 1h' }, /give --every instead/],
  ];
  for (const [what, source, words, message] of refused) {
    test(`${what} is refused with a correction`, () => {
      assert.throws(
        () => schedulePlanOf('pearson', source, words),
        (error) => {
          assert.ok(error instanceof PipelineError);
          assert.equal(error.code, 'SCHEDULE_INVALID');
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }
});

describe('a duration', () => {
  const known: [text: string, seconds: number, iso: string, short: string][] = [
    ['PT1H', 3600, 'PT1H', '1h'],
    ['1h', 3600, 'PT1H', '1h'],
    ['90m', 5400, 'PT1H30M', '1h30m'],
    ['P1DT12H', 129_600, 'P1DT12H', '1d12h'],
    ['1d', 86_400, 'P1D', '1d'],
    ['PT86461S', 86_461, 'P1DT1M1S', '1d1m1s'],
  ];
  for (const [text, seconds, iso, short] of known) {
    test(`${text} is ${seconds} seconds, ${iso} or ${short}`, () => {
      assert.equal(parseDuration(text), seconds);
      assert.equal(isoDuration(seconds), iso);
      assert.equal(formatDuration(seconds), short);
    });
  }

  for (const text of [
    '',
    'P',
    'PT',
    'P1DT',
    'PT0S',
    '-1h',
    '1 h',
    '1H',
    '15',
    'P1M',
    'P1Y',
    '1h1d',
    '1e3s',
  ]) {
    test(`${JSON.stringify(text)} is refused`, () => {
      assert.equal(parseDuration(text), undefined);
    });
  }
});
