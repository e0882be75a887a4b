import { withAdmin, type KafkaWithMarkers } from '../../adapters/kafka/client.ts';
import { eventually } from './eventually.ts';
import { MARKER_PARTITIONS } from '../../adapters/kafka/markers.ts';

/** DeleteRecords up to the high watermark. */
const ALL = '-1';

/** Deletes all markers in a topic of markers, as the broker does after its retention. */
export async function deleteMarkers(options: KafkaWithMarkers): Promise<void> {
  const partitions = Array.from({ length: MARKER_PARTITIONS }, (_, partition) => ({
    partition,
    offset: ALL,
  }));
  await withAdmin(options, async (admin) => {
    // Without a look at the topic first, kafkajs does not know where its records are; a new topic has no leaders yet.
    await eventually('the topic has leaders', () =>
      admin.fetchTopicOffsets(options.markerTopic).then(
        () => true,
        () => false,
      ),
    );
    await admin.deleteTopicRecords({ topic: options.markerTopic, partitions });
  });
}
