import type { ProtocolRequest } from 'kafkajs/src/cluster/index.js';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';
import { PipelineError } from '../../../model/errors.ts';
import { asKafkaError } from '../errors.ts';
import { openCluster } from './cluster.ts';
import type { KafkaOptions } from '../client.ts';

/** The first version with topic ids (KIP-516). */
const METADATA = { apiKey: 3, apiVersion: 10, apiName: 'Metadata' } as const;

const UUID_BYTES = 16;
const ZERO_ID = Buffer.alloc(UUID_BYTES).toString('base64url');

/**
 * Returns the id of a topic: one that is deleted and created again under the same name has another id. kafkajs's Metadata
 * requests are of a version without it.
 * @returns The id as Kafka's tools print it; undefined if the cluster has no topic ids (before Kafka 2.8).
 * @throws {PipelineError} KAFKA_UNREACHABLE, also while the broker does not know the topic; KAFKA_REFUSED
 */
export async function topicIdOf(options: KafkaOptions, topic: string): Promise<string | undefined> {
  const { cluster } = openCluster(options, 'topic-id');
  try {
    await cluster.connect();
    const broker = await cluster.brokerPool.findConnectedBroker();
    if ((broker.versions[METADATA.apiKey]?.maxVersion ?? 0) < METADATA.apiVersion) return undefined;
    const { error, id } = await broker.connectionPool.send(metadataRequest(topic));
    if (error !== 0) {
      throw new PipelineError(
        'KAFKA_UNREACHABLE',
        `topic ${topic}: ${broker.brokerAddress} does not know its id (error ${error} of Kafka)`,
      );
    }
    return id === ZERO_ID ? undefined : id;
  } catch (error) {
    throw asKafkaError(error, `topic ${topic}`);
  } finally {
    await cluster.disconnect();
  }
}

interface TopicMetadata {
  readonly error: number;
  readonly id: string;
}

/**
 * Encodes a Metadata request for one topic. It is a flexible version: its request header ends with tagged fields, which
 * kafkajs does not write, so they are encoded before the body.
 * Format: https://kafka.apache.org/protocol#The_Messages_Metadata
 *
 * | Request (v10)                         | Type                    | Bytes |                  |
 * | ------------------------------------- | ----------------------- | ----: | ---------------- |
 * | (header) tagged_fields                | TAG_BUFFER              |     1 | 0                |
 * | topics                                | COMPACT_ARRAY           |     1 | 2: one topic     |
 * | – topic_id                            | UUID                    |    16 | zero: by name    |
 * | – name                                | COMPACT_NULLABLE_STRING | 1 + n |                  |
 * | – tagged_fields                       | TAG_BUFFER              |     1 | 0                |
 * | allow_auto_topic_creation             | BOOLEAN                 |     1 | false            |
 * | include_cluster_authorized_operations | BOOLEAN                 |     1 | false            |
 * | include_topic_authorized_operations   | BOOLEAN                 |     1 | false            |
 * | tagged_fields                         | TAG_BUFFER              |     1 | 0                |
 */
function metadataRequest(topic: string): ProtocolRequest<TopicMetadata> {
  const noTags = Buffer.of(0);
  const oneTopic = Buffer.of(2);
  const anyId = Buffer.alloc(UUID_BYTES);
  /** Three BOOLEANs and the tagged fields. */
  const flags = Buffer.of(0, 0, 0, 0);
  return {
    request: {
      ...METADATA,
      encode: () =>
        Promise.resolve(
          new Encoder()
            .writeBuffer(Buffer.concat([noTags, oneTopic, anyId]))
            .writeUVarIntString(topic)
            .writeBuffer(Buffer.concat([noTags, flags])),
        ),
    },
    response: {
      decode: (answer) => Promise.resolve(decodeMetadata(new Decoder(answer))),
      parse: (decoded) => Promise.resolve(decoded),
    },
  };
}

/**
 * Decodes a Metadata response up to the id of its only topic.
 *
 * | Response (v10)         | Type                    | Bytes |                 |
 * | ---------------------- | ----------------------- | ----: | --------------- |
 * | (header) tagged_fields | TAG_BUFFER              |    1+ |                 |
 * | throttle_time_ms       | INT32                   |     4 | not used        |
 * | brokers                | COMPACT_ARRAY           |    1+ | not used        |
 * | – node_id              | INT32                   |     4 |                 |
 * | – host                 | COMPACT_STRING          | 1 + n |                 |
 * | – port                 | INT32                   |     4 |                 |
 * | – rack                 | COMPACT_NULLABLE_STRING | 1 + n |                 |
 * | – tagged_fields        | TAG_BUFFER              |    1+ |                 |
 * | cluster_id             | COMPACT_NULLABLE_STRING | 1 + n | not used        |
 * | controller_id          | INT32                   |     4 | not used        |
 * | topics                 | COMPACT_ARRAY           |     1 | one             |
 * | – error_code           | INT16                   |     2 |                 |
 * | – name                 | COMPACT_NULLABLE_STRING | 1 + n | not used        |
 * | – topic_id             | UUID                    |    16 | the rest is not read |
 */
function decodeMetadata(decoder: Decoder): TopicMetadata {
  decoder.readTaggedFields();
  decoder.readInt32(); // throttle_time_ms
  decoder.readUVarIntArray((broker) => {
    broker.readInt32(); // node_id
    broker.readUVarIntString(); // host
    broker.readInt32(); // port
    broker.readUVarIntString(); // rack
    broker.readTaggedFields();
  });
  decoder.readUVarIntString(); // cluster_id
  decoder.readInt32(); // controller_id
  decoder.readUVarInt(); // the number of topics
  const error = decoder.readInt16();
  decoder.readUVarIntString(); // name
  return { error, id: decoder.readBytes(UUID_BYTES).toString('base64url') };
}
