import { firstOffsetsIn } from '../../steps/landing/added-tables.ts';
import { DERIVED_TABLES } from '../../tables/index.ts';
import type { Table } from '../../tables/table.ts';
import { formatFirstOffsets } from '../tables/first-offsets.ts';
import type { Note } from './findings.ts';
import { transactionsOf, type Snapshots } from './tables.ts';

/** For each table that was added to the warehouse, the offset from which it has rows, by `topic/partition`. */
export type FirstOffsets = ReadonlyMap<Table, ReadonlyMap<string, string>>;

/** Returns the first offsets of the tables that were added, and of those that the next landing will create. */
export function firstOffsetsOf(snapshots: Snapshots): FirstOffsets {
  const offsets = DERIVED_TABLES.map(
    (table) => [table, firstOffsetsIn(transactionsOf(table, snapshots))] as const,
  );
  return new Map(offsets.filter(([, own]) => own.size > 0));
}

/** Notes the tables that lack the rows of earlier batches. */
export function addedNotes(snapshots: Snapshots, offsets: FirstOffsets): Note[] {
  return [...offsets].map(([table, own]) => {
    const what =
      snapshots.get(table) === undefined
        ? 'it does not exist yet: the next batch creates it, and its rows begin with the offsets'
        : 'it was added to the warehouse: its rows begin with the offsets';
    return { where: table.name, message: `${what} ${formatFirstOffsets(Object.fromEntries(own))}` };
  });
}
