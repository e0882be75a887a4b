/**
 * Does a piece of work for each item, so many at once, and answers the results in the order of the items.
 * After a failure nothing new begins; what is under way ends first, then the first error is thrown.
 */
export async function mapConcurrent<T, R>(
  limit: number,
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  let failed = false;
  const takeTurns = async (): Promise<void> => {
    for (const [at, item] of queue) {
      if (failed) return;
      try {
        results[at] = await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const settled = await Promise.allSettled(Array.from({ length: limit }, takeTurns));
  for (const turn of settled) if (turn.status === 'rejected') throw turn.reason;
  return results;
}
