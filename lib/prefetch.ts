/**
 * Calls `work` for each item in order, with one call ahead of the result that is yielded. After a failure no further call
 * begins, and the call under way settles first.
 * @param work Its second parameter settles as the previous item's call does.
 * @returns The results, in order.
 */
export async function* prefetch<T, R>(
  items: Iterable<T>,
  work: (item: T, previous: Promise<unknown>) => Promise<R>,
): AsyncGenerator<R> {
  let previous: Promise<R> | undefined;
  let last: Promise<R> | undefined;
  try {
    for (const item of items) {
      last = work(item, previous ?? Promise.resolve());
      // Awaited after the previous one.
      last.catch(() => undefined);
      if (previous !== undefined) yield await previous;
      previous = last;
    }
    if (previous !== undefined) yield await previous;
  } finally {
    await last?.catch(() => undefined);
  }
}
