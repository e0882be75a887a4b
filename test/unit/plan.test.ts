import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import fc from 'fast-check';
import { firstOffsetsIn, initialTransactions } from '../../steps/landing/added-tables.ts';
import { firstOffsetAppId, topicAppId } from '../../steps/landing/transaction-ids.ts';
import {
  planOf,
  requireSameTopic,
  type Plan,
  type TablePositions,
} from '../../steps/landing/plan-batches.ts';
import { checkFences } from '../../adapters/delta/snapshot.ts';
import { PipelineError } from '../../model/errors.ts';
import { BATCH_TABLES } from '../../tables/index.ts';

/** Transaction versions of each table for one partition, `deliveries` last. */
function positions(...versions: (number | undefined)[]): Map<string, Map<string, bigint>> {
  return new Map(
    BATCH_TABLES.map(({ name }, at) => {
      const version = versions[at];
      return [name, new Map(version === undefined ? [] : [['t/0', BigInt(version)]])];
    }),
  );
}

function plan(earliest: number, end: number, versions: (number | undefined)[], until?: number): Plan {
  const offsets = [{ partition: 0, earliest: String(earliest), end: String(end) }];
  return planOf('t', offsets, positions(...versions), until === undefined ? null : { 0: String(until) });
}

function refusal(...given: Parameters<typeof plan>): string {
  try {
    plan(...given);
  } catch (error) {
    assert(error instanceof PipelineError);
    return `${error.code} ${error.message}`;
  }
  return assert.fail('it was planned');
}

const NONE = [undefined, undefined, undefined, undefined, undefined];

test('a topic that never landed is planned from its beginning', () => {
  assert.deepEqual(plan(3, 10, NONE).ranges, [{ partition: 0, start: '3', end: '10' }]);
});

test('landed offsets are not planned again, and nothing is planned when all have landed', () => {
  assert.deepEqual(plan(0, 10, [4, 4, 4, 4, 4]).ranges, [{ partition: 0, start: '4', end: '10' }]);
  assert.deepEqual(plan(0, 10, [10, 10, 10, 10, 10]).ranges, []);
});

test('nothing is planned past the end offsets of the run’s first plan', () => {
  assert.deepEqual(plan(0, 20, [4, 4, 4, 4, 4], 10).ranges, [{ partition: 0, start: '4', end: '10' }]);
  assert.deepEqual(plan(0, 20, [12, 12, 12, 12, 12], 10).ranges, []);
});

test('a batch that landed in only some tables is planned as exactly that batch', () => {
  assert.deepEqual(plan(0, 20, [8, 8, 4, 4, 4]), {
    ranges: [{ partition: 0, start: '4', end: '8' }],
    unfinished: true,
    ends: { 0: '20' },
  });
  assert.deepEqual(plan(0, 20, [10, 8, 4, 4, 4]).ranges, [{ partition: 0, start: '4', end: '8' }]);
  assert.deepEqual(plan(2, 20, [8, undefined, undefined, undefined, undefined]).ranges, [
    { partition: 0, start: '2', end: '8' },
  ]);
});

test('offsets that retention deleted before they landed are reported, never skipped', () => {
  assert.match(
    refusal(7, 20, [4, 4, 4, 4, 4]),
    /^RANGE_GONE t\/0: .* up to 4, but the topic now begins at 7/,
  );
});

test('a topic that ends before the tables do is reported as recreated', () => {
  assert.match(refusal(0, 3, [4, 4, 4, 4, 4]), /^TOPIC_RESET t\/0: .* up to 4, but the topic ends at 3/);
});

test('a recreated topic is recognised by its id, wherever it ends, and whichever table has the other id', () => {
  const held = positions(4, 4, 4, 4, 4);
  const judged = (): string => {
    try {
      requireSameTopic('t', 'new', held);
      return 'the same';
    } catch (error) {
      assert(error instanceof PipelineError);
      return `${error.code} ${error.message}`;
    }
  };
  assert.equal(judged(), 'the same', 'no table knows an id yet');
  for (const txns of held.values()) {
    txns.set(topicAppId('t', 'new'), 1n).set(topicAppId('t-2', 'old'), 1n);
    assert.equal(judged(), 'the same');
  }
  for (const txns of held.values()) {
    txns.set(topicAppId('t', 'old'), 1n);
    assert.match(judged(), /^TOPIC_RESET t was deleted .* its id was old, and is now new$/);
    txns.delete(topicAppId('t', 'old'));
  }
});

test('a table behind deliveries, which is committed last, was changed by another program', () => {
  assert.match(
    refusal(0, 20, [4, 2, 4, 4, 4]),
    /^TABLE_LOG_INVALID deliveries holds t\/0 up to 4, but attempts only up to 2/,
  );
  assert.match(refusal(0, 20, [4, 4, undefined, 4, 4]), /questions only up to nothing/);
});

/** Returns the positions of all tables; one table was added at an offset. */
function added(table: string, from: number, ...versions: (number | undefined)[]): TablePositions {
  const all = positions(...versions);
  all.get(table)?.set(firstOffsetAppId('t', 0), BigInt(from));
  return all;
}

describe('a table that was added', () => {
  const OFFSETS = [{ partition: 0, earliest: '0', end: '20' }];
  const rangesOf = (held: TablePositions, offsets = OFFSETS): unknown => planOf('t', offsets, held, null);

  test('and is behind, since an older version landed without it, gets what it lacks first', () => {
    const ends = { 0: '20' };
    assert.deepEqual(rangesOf(added('options', 2, 9, 9, 9, 4, 9)), {
      ranges: [{ partition: 0, start: '4', end: '9' }],
      unfinished: true,
      ends,
    });
    assert.deepEqual(rangesOf(added('options', 2, 12, 9, 9, 4, 7)), {
      ranges: [{ partition: 0, start: '4', end: '7' }],
      unfinished: true,
      ends,
    });
  });

  test('gets at most 10,000 offsets in one batch', () => {
    const offsets = [{ partition: 0, earliest: '0', end: '50000' }];
    const held = added('options', 2, 40_000, 40_000, 40_000, 5, 40_000);
    assert.deepEqual(planOf('t', offsets, held, null).ranges, [{ partition: 0, start: '5', end: '10005' }]);
  });

  test('is refused when Kafka no longer has what it lacks, or its position is lost', () => {
    const held = added('options', 2, 9, 9, 9, 4, 9);
    assert.throws(() => rangesOf(held, [{ partition: 0, earliest: '5', end: '20' }]), {
      code: 'RANGE_GONE',
      message: /up to 4, but the topic now begins at 5/,
    });
    const lost = added('options', 2, 9, 9, 9, undefined, 9);
    assert.throws(() => rangesOf(lost), { code: 'TABLE_LOG_INVALID', message: /options only up to nothing/ });
  });

  test('begins where deliveries is, in each partition, with the ids of its topics', () => {
    const landed = new Map([
      ['t/0', 4n],
      ['t/12', 8n],
      ['topic/t/id', 1n],
      ['table/attempts', 1n],
      ['other/x', 1n],
    ]);
    const txns = initialTransactions('/w', 'options', landed);
    assert.deepEqual(Object.fromEntries(txns), {
      't/0': 4n,
      't/12': 8n,
      'topic/t/id': 1n,
      'from/t/0': 4n,
      'from/t/12': 8n,
    });
    assert.deepEqual(Object.fromEntries(firstOffsetsIn(txns)), { 't/0': '4', 't/12': '8' });
    assert.equal(initialTransactions('/w', 'options', undefined).size, 0);
  });

  test('is not one whose batches deliveries has: that was deleted', () => {
    assert.throws(() => initialTransactions('/w', 'options', new Map([['table/options', 1n]])), {
      code: 'TABLE_LOG_INVALID',
      message:
        '/w/options does not exist, but deliveries has batches that are in it: it was deleted or moved; ' +
        'deliveries has the rows: pipeline rebuild options',
    });
  });
});

test('a commit is due when its fences are at its start, and landed when they are at its end or past it', () => {
  const fences = [
    { appId: 't/0', from: 4n, to: 8n },
    { appId: 't/1', from: 0n, to: 5n },
  ];
  const verdict = (zero: number | undefined, one: number | undefined): string => {
    const entries = [['t/0', zero] as const, ['t/1', one] as const].flatMap(([appId, at]) =>
      at === undefined ? [] : [[appId, BigInt(at)] as const],
    );
    try {
      return checkFences('/w/attempts', new Map(entries), fences);
    } catch (error) {
      assert(error instanceof PipelineError && error.code === 'OFFSETS_MOVED');
      return error.message;
    }
  };
  assert.equal(verdict(4, 0), 'due');
  assert.equal(verdict(4, undefined), 'due');
  assert.equal(verdict(8, 5), 'landed');
  assert.equal(verdict(9, 7), 'landed');
  assert.match(
    verdict(6, 0),
    /t\/0 is at version 6, but the commit goes from 4 to 8, which would leave an overlap/,
  );
  assert.match(verdict(3, 0), /t\/0 is at version 3, .* a gap/);
  assert.match(verdict(8, 0), /t\/0 is at version 8, .* an overlap/);
  assert.match(verdict(4, 5), /t\/1 is at version 5/);
});

/** A committer lands what is missing, whatever the others left incomplete. */
function finishAlone(
  txns: Map<string, Map<string, bigint>>,
  landed: Map<string, bigint[]>,
  end: bigint,
): void {
  for (let rounds = 0; rounds <= 2 * Number(end); rounds += 1) {
    const offsets = [{ partition: 0, earliest: '0', end: String(end) }];
    const [range] = planOf('t', offsets, txns, null).ranges;
    if (range === undefined) return;
    const [from, to] = [BigInt(range.start), BigInt(range.end)];
    for (const [name, table] of txns) {
      if (checkFences(name, table, [{ appId: 't/0', from, to }]) === 'landed') continue;
      table.set('t/0', to);
      for (let offset = from; offset < to; offset += 1n) landed.get(name)?.push(offset);
    }
  }
  assert.fail('what was left half done cannot be finished');
}

test('any interleaving of four committers keeps each table without gaps or duplicates, and can be completed', () => {
  const step = fc.record({ who: fc.nat({ max: 3 }), length: fc.integer({ min: 1, max: 5 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const end = 20n;
      const txns = positions();
      const landed = new Map(BATCH_TABLES.map(({ name }) => [name, [] as bigint[]]));
      const working = new Map<number, { from: bigint; to: bigint; table: number }>();
      for (const { who, length } of steps) {
        const work = working.get(who);
        if (work === undefined) {
          const offsets = [{ partition: 0, earliest: '0', end: String(end) }];
          const { ranges, unfinished } = planOf('t', offsets, txns, null);
          const [range] = ranges;
          if (range === undefined) continue;
          const from = BigInt(range.start);
          const cut = from + BigInt(length) < BigInt(range.end) ? from + BigInt(length) : BigInt(range.end);
          working.set(who, { from, to: unfinished ? BigInt(range.end) : cut, table: 0 });
          continue;
        }
        const name = BATCH_TABLES[work.table]?.name ?? '';
        const table = txns.get(name) ?? new Map<string, bigint>();
        try {
          if (checkFences(name, table, [{ appId: 't/0', from: work.from, to: work.to }]) === 'due') {
            table.set('t/0', work.to);
            for (let offset = work.from; offset < work.to; offset += 1n) landed.get(name)?.push(offset);
          }
          if (work.table === BATCH_TABLES.length - 1) working.delete(who);
          else working.set(who, { ...work, table: work.table + 1 });
        } catch {
          working.delete(who);
        }
      }
      finishAlone(txns, landed, end);
      for (const [name, offsets] of landed) {
        assert.deepEqual(
          offsets,
          offsets.map((_, at) => BigInt(at)),
          name,
        );
        assert.equal(BigInt(offsets.length), end);
      }
    }),
    { numRuns: 500, seed: 11 },
  );
});
