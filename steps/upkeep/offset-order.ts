/** The offsets of one partition of a topic in one file. */
export interface FileOffsets {
  /** The file's index in the list that is ordered. */
  readonly file: number;
  /** Topic and partition. */
  readonly partition: string;
  /** The lowest offset. */
  readonly first: bigint;
}

/**
 * Orders files so that the offsets of each partition of a topic ascend from file to file. Files of batches, which are
 * disjoint ranges, have such an order. Files without one, which other programs can write, stay in the given order.
 * @param count The number of files.
 * @returns The files' indexes.
 */
export function orderByOffsets(count: number, offsets: readonly FileOffsets[]): number[] {
  const next = successorsOf(offsets);
  const waits = new Array<number>(count).fill(0);
  for (const successors of next.values()) for (const file of successors) waits[file] = (waits[file] ?? 0) + 1;
  const ordered: number[] = [];
  const isPlaced = new Array<boolean>(count).fill(false);
  while (ordered.length < count) {
    const ready = waits.findIndex((wait, file) => wait === 0 && isPlaced[file] === false);
    // No file is first in all of its partitions: there is no such order.
    if (ready === -1) return Array.from({ length: count }, (_, file) => file);
    isPlaced[ready] = true;
    ordered.push(ready);
    for (const file of next.get(ready) ?? []) waits[file] = (waits[file] ?? 0) - 1;
  }
  return ordered;
}

/** Returns, for each file, the files that must come after it: the next one of each of its partitions. */
function successorsOf(offsets: readonly FileOffsets[]): Map<number, number[]> {
  const byPartition = new Map<string, FileOffsets[]>();
  for (const entry of offsets) {
    const known = byPartition.get(entry.partition);
    if (known === undefined) byPartition.set(entry.partition, [entry]);
    else known.push(entry);
  }
  const next = new Map<number, number[]>();
  for (const entries of byPartition.values()) {
    const sorted = entries.sort((a, b) => (a.first < b.first ? -1 : Number(a.first > b.first)));
    for (const [index, { file }] of sorted.entries()) {
      const after = sorted[index + 1];
      if (after !== undefined) next.set(file, [...(next.get(file) ?? []), after.file]);
    }
  }
  return next;
}
