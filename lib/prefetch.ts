/**
 * Does a piece of work for each item in order, each begun while the one before it is under way.
 * After a failure nothing new begins; what is under way ends first.
 * @param work Hears of the one before: that it is done, or what it failed with.
 * @returns The results in order, each as soon as it is there.
 */
export async function* prefetch<T, R>(
  items: Iterable<T>,
  work: (item: T, before: Promise<unknown>) => Promise<R>,
): AsyncGenerator<R> {
  let before: Promise<R> | undefined;
  let last: Promise<R> | undefined;
  try {
    for (const item of items) {
      last = work(item, before ?? Promise.resolve());
      // It is looked at when the one before is done.
      last.catch(() => undefined);
      if (before !== undefined) yield await before;
      before = last;
    }
    if (before !== undefined) yield await before;
  } finally {
    await last?.catch(() => undefined);
  }
}
