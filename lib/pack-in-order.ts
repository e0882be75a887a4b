/**
 * Cuts items into groups of neighbours. An item that is too large has a group of its own.
 * @param limits The size of a group, and its number of items.
 */
export function packInOrder<T extends { readonly size: number }>(
  items: readonly T[],
  { maxBytes, maxItems }: { readonly maxBytes: number; readonly maxItems: number },
): T[][] {
  const groups: T[][] = [];
  let bytes = Infinity;
  for (const item of items) {
    if (bytes + item.size > maxBytes || groups.at(-1)?.length === maxItems) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)?.push(item);
    bytes += item.size;
  }
  return groups;
}
