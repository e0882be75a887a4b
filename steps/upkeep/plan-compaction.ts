import type { AddFile } from '../../adapters/delta/actions.ts';
import { partitionKeyOf } from '../../adapters/delta/partition-key.ts';
import { packInOrder } from '../../lib/pack-in-order.ts';

/** When files are compacted. */
export interface CompactionLimits {
  /** The size to aim at, in bytes. A file of three quarters of it is left alone. */
  readonly targetBytes: number;
  /** The number of small files from which a partition of the current day is compacted. */
  readonly openPartitionFiles: number;
}

/** Small files of one partition, to be replaced by one file. */
export interface CompactionGroup {
  readonly partitionValues: AddFile['partitionValues'];
  /** In the order of the log. */
  readonly files: readonly AddFile[];
  readonly bytes: number;
}

/** The tag of a compacted file: the number of files that it replaced. */
export const COMPACTED_TAG = 'compactedFiles';

/** The share of the target size from which a file is not small. */
const SMALL_SHARE = 0.75;

/** The maximum number of files of a group, which are all open at once. */
const MAX_GROUP_FILES = 1000;

/**
 * Packs the small files of each partition into groups of about the target size, in order.
 *
 * Files of a past day are merged until one is left, or until each is near the target. The partition of the current day,
 * which still grows, is merged once it has many files, and only those that were not merged before: so a byte is written
 * at most three times, when it lands, with its neighbours of the day, and when the day is over.
 * @param files The live files of a table.
 * @param today The current UTC day, as 2026-01-31.
 */
export function planCompaction(
  files: Iterable<AddFile>,
  limits: CompactionLimits,
  today: string,
): CompactionGroup[] {
  const partitions = new Map<string, AddFile[]>();
  for (const file of files) {
    if (file.size >= limits.targetBytes * SMALL_SHARE) continue;
    const key = partitionKeyOf(file);
    const small = partitions.get(key);
    if (small === undefined) partitions.set(key, [file]);
    else small.push(file);
  }
  return [...partitions.values()].flatMap((small) => {
    if (!isOpen(small, today)) return packFiles(small, limits.targetBytes);
    const fresh = small.filter(({ tags }) => tags?.[COMPACTED_TAG] === undefined);
    return fresh.length < limits.openPartitionFiles ? [] : packFiles(fresh, limits.targetBytes);
  });
}

/** Returns whether a partition is of the current day or later, so that runs still add files. */
function isOpen([file]: readonly AddFile[], today: string): boolean {
  return (file?.partitionValues['ingested_on'] ?? '') >= today;
}

/** Packs neighbours into groups of at least two files and at most the target size. */
function packFiles(files: readonly AddFile[], targetBytes: number): CompactionGroup[] {
  return packInOrder(files, { maxBytes: targetBytes, maxItems: MAX_GROUP_FILES })
    .filter((group) => group.length > 1)
    .map((group) => ({
      partitionValues: group[0]?.partitionValues ?? {},
      files: group,
      bytes: group.reduce((sum, { size }) => sum + size, 0),
    }));
}
