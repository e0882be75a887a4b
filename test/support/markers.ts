import { withAdmin, type KafkaWithMarkers } from '../../adapters/kafka/client.ts';
import { MARKER_PARTITIONS } from '../../adapters/kafka/markers.ts';

/** DeleteRecords up to the high watermark. */
const ALL = '-1';

/** Deletes all markers in a topic of markers, as the broker does after its retention. */
export async function deleteMarkers(options: KafkaWithMarkers): Promise<void> {
  const partitions = Array.from({ length: MARKER_PARTITIONS }, (_, partition) => ({ partition, offset: ALL }));
  await withAdmin(options, (admin) => admin.deleteTopicRecords({ topic: options.markerTopic, partitions }));
}
