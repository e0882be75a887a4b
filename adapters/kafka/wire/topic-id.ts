import type { ProtocolRequest } from 'kafkajs/src/cluster/index.js';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';
import { PipelineError } from '../../../model/errors.ts';
import { asKafkaError } from '../errors.ts';
import { openCluster } from './cluster.ts';
import type { KafkaOptions } from '../client.ts';

/** The request that says what a cluster and its topics are; from this version on with the topics' ids. */
const METADATA = { apiKey: 3, apiVersion: 10, apiName: 'Metadata' } as const;

const UUID_BYTES = 16;
const ZERO_ID = Buffer.alloc(UUID_BYTES).toString('base64url');

/**
 * The id that Kafka gave a topic when it was made: a topic that is deleted and made anew under the same name
 * has another one. kafkajs asks for metadata in a version of 2018, without it.
 * @returns As Kafka's own programs show it; undefined where the cluster gives no ids, as those before Kafka 2.8.
 * @throws {PipelineError} KAFKA_UNREACHABLE, also when the broker does not know the topic yet; KAFKA_REFUSED
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

/** As kafka.apache.org/protocol has it; a version of this kind begins with the head's tags, and kafkajs has none. */
function metadataRequest(topic: string): ProtocolRequest<TopicMetadata> {
  const noTags = Buffer.of(0);
  const oneTopic = Buffer.of(2);
  const anyId = Buffer.alloc(UUID_BYTES);
  /** Neither make the topic, nor tell of rights on the cluster or the topic; no tags. */
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

/** Reads as far as the id of the one topic that was asked for. */
function decodeMetadata(answer: Decoder): TopicMetadata {
  answer.readTaggedFields();
  answer.readInt32(); // how long to hold back
  answer.readUVarIntArray((broker) => {
    broker.readInt32(); // its number
    broker.readUVarIntString(); // its host
    broker.readInt32(); // its port
    broker.readUVarIntString(); // its rack
    broker.readTaggedFields();
  });
  answer.readUVarIntString(); // the cluster's id
  answer.readInt32(); // the controller's number
  answer.readUVarInt(); // one topic
  const error = answer.readInt16();
  answer.readUVarIntString(); // its name
  return { error, id: answer.readBytes(UUID_BYTES).toString('base64url') };
}
