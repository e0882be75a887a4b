import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { noRows, type PartitionRows } from '../../client/verify/ledger.ts';
import { OffsetSet } from '../../client/verify/offset-set.ts';
import { checkPartition, type PartitionEvidence } from '../../client/verify/partitions.ts';
import { BATCH_TABLES } from '../../tables/index.ts';

/** State of each offset, from 0. */
type Stand = 'delivered' | 'quarantined' | 'skipped' | 'erased' | 'gap';

function evidenceOf(stands: readonly Stand[], earliest: number): PartitionEvidence {
  const rows: PartitionRows = noRows();
  const committed = new OffsetSet();
  const skipped = new OffsetSet();
  const erased = new OffsetSet();
  stands.forEach((stand, offset) => {
    if (stand === 'delivered') rows.deliveries += 1;
    if (stand === 'quarantined') rows.quarantine += 1;
    if (stand === 'delivered' || stand === 'quarantined') rows.offsets.add(offset);
    if (stand === 'skipped') skipped.add(offset);
    if (stand === 'erased') erased.add(offset);
    if (stand !== 'gap' && offset >= earliest) committed.add(offset);
  });
  return {
    topic: 't',
    partition: 0,
    kafka: { earliest, end: stands.length, committed },
    positions: new Map(BATCH_TABLES.map(({ name }) => [name, stands.length])),
    rows,
    skipped,
    provedTo: undefined,
    erased,
    firstStart: 0,
  };
}

const stands = fc.array(fc.constantFrom<Stand>('delivered', 'quarantined', 'skipped', 'erased', 'gap'), {
  minLength: 1,
  maxLength: 100,
});

test('delivered, quarantined, skipped and erased messages and gaps add up without findings', () => {
  fc.assert(
    fc.property(stands, fc.nat(100), (all, retention) => {
      const { findings, report } = checkPartition(evidenceOf(all, Math.min(retention, all.length)));
      assert.deepEqual(findings, []);
      const { consumed, deliveries, quarantined, gaps, skipped, erased, gone } = report;
      assert.equal(consumed, all.length);
      assert.equal(deliveries + quarantined + gaps + skipped + erased + gone, consumed);
    }),
  );
});

test('a message without a row is reported, at any offset', () => {
  fc.assert(
    fc.property(stands, fc.nat(), (all, pick) => {
      const at = pick % all.length;
      const evidence = evidenceOf(all.with(at, 'gap'), 0);
      evidence.kafka?.committed.add(at);
      const { findings } = checkPartition(evidence);
      assert.deepEqual(
        findings.map(({ code, message }) => `${code} ${message}`),
        [`MESSAGE_NOT_LANDED 1 messages of Kafka have no row, at the offsets: ${at}`],
      );
    }),
  );
});

test('a row at an offset without a message is reported, but not below Kafka’s first offset', () => {
  const evidence = evidenceOf(['delivered', 'gap', 'delivered', 'gap'], 2);
  evidence.rows.offsets.add(1);
  evidence.rows.offsets.add(3);
  assert.deepEqual(
    checkPartition(evidence).findings.map(({ code, message }) => `${code} ${message}`),
    ['ROW_WITHOUT_MESSAGE 1 rows have no message in Kafka, at the offsets: 3'],
  );
});

test('messages before the first landed one count too', () => {
  const evidence = { ...evidenceOf(['gap', 'delivered'], 0), firstStart: 1 };
  evidence.kafka?.committed.add(0);
  const { findings, report } = checkPartition(evidence);
  assert.deepEqual(
    findings.map(({ code }) => code),
    ['MESSAGE_NOT_LANDED'],
  );
  assert.equal(report.from, 0);
});

test('a partition that was never consumed has no findings, and its lag is reported', () => {
  const committed = new OffsetSet();
  const positions = new Map(BATCH_TABLES.map(({ name }) => [name, undefined]));
  const evidence = { ...evidenceOf(['delivered'], 0), rows: noRows(), positions, firstStart: undefined };
  const { findings, report, notes } = checkPartition({
    ...evidence,
    kafka: { earliest: 4, end: 9, committed },
  });
  assert.deepEqual(findings, []);
  assert.deepEqual(notes, []);
  assert.equal(report.consumed, 0);
  assert.equal(report.behind, 5);
});
