const SEED = 0x9747b28c;
const FACTOR = 0x5bd1e995;

/**
 * Returns the partition of a key as Kafka's default partitioner does (murmur2), so that other producers' messages of the
 * same key are in the same partition. kafkajs computes the same hash with Long objects.
 * Source: org.apache.kafka.common.utils.Utils.murmur2
 * @param partitions The topic's number of partitions.
 */
export function partitionOf(key: Buffer, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}

function murmur2(key: Buffer): number {
  const whole = key.length & ~3;
  let hash = SEED ^ key.length;
  for (let at = 0; at < whole; at += 4) {
    const word = Math.imul(key.readInt32LE(at), FACTOR);
    hash = Math.imul(hash, FACTOR) ^ Math.imul(word ^ (word >>> 24), FACTOR);
  }
  if (whole < key.length) {
    for (let at = key.length - 1; at >= whole; at -= 1) hash ^= (key[at] ?? 0) << (8 * (at - whole));
    hash = Math.imul(hash, FACTOR);
  }
  hash = Math.imul(hash ^ (hash >>> 13), FACTOR);
  return hash ^ (hash >>> 15);
}
