import type { KafkaWithMarkers } from '../../adapters/kafka/client.ts';
import { Publisher, type MessageSet, type PublishedSet } from '../../adapters/kafka/publish.ts';

/** Publishes one set to a topic that exists, over connections of its own; see {@link Publisher.publishOnce}. */
export async function publishOnce(
  options: KafkaWithMarkers,
  set: MessageSet & { readonly topic: string },
): Promise<PublishedSet> {
  const publisher = await Publisher.open(options, set.topic);
  try {
    return await publisher.publishOnce(set);
  } finally {
    await publisher.close();
  }
}
