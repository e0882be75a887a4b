/** Versions whose times are read around the searched time; logs with fewer versions are read completely. */
const WINDOW = 512;

/** Times of log entries in milliseconds since 1970, made strictly increasing as Delta does it: by a millisecond each. */
export function increasingTimes(times: readonly number[]): number[] {
  const increasing: number[] = [];
  for (const time of times) increasing.push(Math.max(time, (increasing.at(-1) ?? -Infinity) + 1));
  return increasing;
}

/** Reads the commit times of versions, in their order, in milliseconds since 1970. */
export type ReadTimes = (versions: readonly number[]) => Promise<number[]>;

/**
 * Finds the last version whose time is at or before a time. Of a long log, only a binary search and the versions around
 * its result are read; this assumes that no time is out of order by more than half of {@link WINDOW} versions.
 * @param versions In ascending order.
 * @returns undefined if all versions are later.
 */
export async function findVersionAt(
  versions: readonly number[],
  timeMs: number,
  readTimes: ReadTimes,
  window = WINDOW,
): Promise<number | undefined> {
  const middle = versions.length > window ? await searchFirstAfter(versions, timeMs, readTimes) : 0;
  for (let size = window; ; size *= 2) {
    const from = Math.max(0, middle - size / 2);
    const read = versions.slice(from, from + size);
    const times = increasingTimes(await readTimes(read));
    const after = times.findIndex((time) => time > timeMs);
    // At an edge, the first later version may be beyond it.
    const isAtStart = after === 0 && from > 0;
    const isAtEnd = after === -1 && from + size < versions.length;
    if (!isAtStart && !isAtEnd) return after === -1 ? read.at(-1) : read[after - 1];
  }
}

/** Returns an index of a version that is later than the time while the previous version is not; the length if there is none. */
async function searchFirstAfter(
  versions: readonly number[],
  timeMs: number,
  readTimes: ReadTimes,
): Promise<number> {
  let [low, high] = [0, versions.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const [time = -Infinity] = await readTimes(versions.slice(middle, middle + 1));
    if (time > timeMs) high = middle;
    else low = middle + 1;
  }
  return low;
}
