/** The number of partitions that are listed. */
const MAX_PARTITIONS = 8;

/**
 * Formats the offsets from which a table has rows, for people.
 * @param offsets By `topic/partition`, as `firstOffsetsIn` returns them.
 */
export function formatFirstOffsets(offsets: Readonly<Record<string, string>>): string {
  const named = Object.entries(offsets).map(([key, offset]) => `${offset} of ${key}`);
  const more = named.length > MAX_PARTITIONS ? ', …' : '';
  return `${named.slice(0, MAX_PARTITIONS).join(', ')}${more}`;
}
