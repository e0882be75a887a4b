/** Plans of tables that were set back, each to another version. */
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { firstOffsetAppId } from '../../steps/landing/transaction-ids.ts';
import { planOf, type Plan, type TablePositions } from '../../steps/landing/plan-batches.ts';
import { PipelineError } from '../../model/errors.ts';
import { BATCH_TABLES } from '../../tables/index.ts';

describe('tables that were set back to an earlier version', () => {
  /** The versions of each table for one partition, with the mark of a restore for some tables, by their number. */
  function restored(marked: readonly number[], ...versions: number[]): TablePositions {
    return new Map(
      BATCH_TABLES.map(({ name }, at) => {
        const txns = new Map([['t/0', BigInt(versions[at] ?? 0)]]);
        if (marked.includes(at)) txns.set(firstOffsetAppId('t', 0), 0n);
        return [name, txns];
      }),
    );
  }

  const planned = (earliest: number, given: TablePositions): Plan =>
    planOf('t', [{ partition: 0, earliest: String(earliest), end: '90000' }], given, null);

  test('catch up from the lowest position, with a batch that ends at the next position of a table', () => {
    const given = restored([1, 2], 20, 4, 8, 20, 20);
    assert.deepEqual(planned(0, given).ranges, [{ partition: 0, start: '4', end: '8' }]);
    assert.deepEqual(planned(0, restored([1, 2], 20, 8, 8, 20, 20)).ranges, [
      { partition: 0, start: '8', end: '20' },
    ]);
  });

  test('catch up in batches of bounded size, also deliveries', () => {
    for (const given of [
      restored([1], 60_000, 0, 60_000, 60_000, 60_000),
      restored([4], 60_000, 60_000, 60_000, 60_000, 0),
    ])
      assert.deepEqual(planned(0, given).ranges, [{ partition: 0, start: '0', end: '10000' }]);
  });

  test('name the command that fills them where Kafka no longer has the messages', () => {
    const rangeGone = (given: TablePositions): string => {
      try {
        planned(7, given);
      } catch (error) {
        return error instanceof PipelineError ? `${error.code} ${error.message}` : String(error);
      }
      return assert.fail('it was planned');
    };
    assert.match(
      rangeGone(restored([1], 20, 4, 20, 20, 20)),
      /^RANGE_GONE t\/0: attempts: .* up to 4, .* begins at 7; deliveries has the rows: pipeline rebuild attempts$/,
    );
    assert.match(rangeGone(restored([0], 4, 20, 20, 20, 20)), /^RANGE_GONE t\/0: quarantine: .* at 7$/);
  });
});
