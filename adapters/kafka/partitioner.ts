const SEED = 0x9747b28c;
const FACTOR = 0x5bd1e995;

/**
 * The partition of a key, as Kafka's own producers choose it, so that what others publish of a user stands with what
 * is published here: murmur2 over the key. kafkajs has the same, with a number of 64 bits an object each.
 * Source: org.apache.kafka.common.utils.Utils.murmur2
 * @param partitions How many partitions the topic has.
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
