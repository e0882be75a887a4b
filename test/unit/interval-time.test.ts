import assert from 'node:assert/strict';
import test from 'node:test';
import { isIntervalTime } from '../../model/interval-time.ts';

test('a bound of an interval is a day or a time of the years 1 to 9999', () => {
  for (const text of [
    '2026-01-31',
    '2026-01-31T12:00',
    '2026-01-31T12:00Z',
    '2026-01-31T12:00:00Z',
    '2026-01-31T12:00:00.123456789+05:30',
    '2024-02-29',
    '0001-01-01T00:00:00Z',
    '9999-12-31T23:59:59.999Z',
  ])
    assert.ok(isIntervalTime(text), text);
});

test('other formats of Date.parse are refused', () => {
  for (const text of [
    '',
    '2026',
    'Jan 31 2026',
    '2026-01-31 (or so)',
    '2026-01-31T12:00:00Z ',
    '2026-01-31T12:00:00Z\n',
    '2026-02-30',
    '2026-13-01',
    '2026-01-31T24:00:00Z',
    '2026-01-31T12:00:00+99:00',
    '0000-01-01',
    '0001-01-01T00:00:00+14:00',
    '9999-12-31T23:59:59-14:00',
    '+012026-01-31T00:00:00Z',
    '2026-01-31/../..',
    '2026-01-31\0',
  ])
    assert.ok(!isIntervalTime(text), JSON.stringify(text));
});
