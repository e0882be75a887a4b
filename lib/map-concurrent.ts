/**
 * Calls an asynchronous function for each item with limited concurrency; returns the results in the order of the items.
 * After a failure no further call begins; throws the first worker's error once the calls under way have settled.
 * @param limit The maximum number of calls at once.
 */
export async function mapConcurrent<T, R>(
  limit: number,
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  let failed = false;
  const runWorker = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (failed) return;
      try {
        results[index] = await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const settled = await Promise.allSettled(Array.from({ length: limit }, runWorker));
  for (const worker of settled) if (worker.status === 'rejected') throw worker.reason;
  return results;
}
