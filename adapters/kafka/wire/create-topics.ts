import type Cluster from 'kafkajs/src/cluster/index.js';
import type { ProtocolRequest } from 'kafkajs/src/cluster/index.js';
import { createErrorFromCode } from 'kafkajs/src/protocol/error.js';
import request from 'kafkajs/src/protocol/requests/createTopics/v2/request.js';
import response, { type CreateTopicsAnswer } from 'kafkajs/src/protocol/requests/createTopics/v2/response.js';

/** How a topic is created. */
export interface TopicShape {
  readonly partitions: number;
  readonly replicationFactor: number;
}

/** A broker's reason not to create a topic. */
export interface TopicRefusal {
  /** The client's error of this code. */
  readonly error: Error;
  /** In the broker's own words; null where it gives none. */
  readonly message: string | null;
}

const NONE = 0;
const TOPIC_ALREADY_EXISTS = 36;

/**
 * Has the controller validate the creation of a topic, without creating it (CreateTopics with `validate_only`).
 * @returns The broker's reason where it would refuse; undefined where it would not, or where the topic exists.
 */
export async function validateTopic(
  cluster: Cluster,
  topic: string,
  shape: TopicShape,
): Promise<TopicRefusal | undefined> {
  const broker = await cluster.findControllerBroker();
  const { topicErrors } = await broker.connectionPool.send(validateRequest(topic, shape));
  const refused = topicErrors.find(
    ({ errorCode }) => errorCode !== NONE && errorCode !== TOPIC_ALREADY_EXISTS,
  );
  return refused && { error: createErrorFromCode(refused.errorCode), message: refused.errorMessage };
}

function validateRequest(topic: string, shape: TopicShape): ProtocolRequest<CreateTopicsAnswer> {
  const { partitions: numPartitions, replicationFactor } = shape;
  return {
    request: request({ topics: [{ topic, numPartitions, replicationFactor }], validateOnly: true }),
    // The client's own way to parse it drops the broker's reason.
    response: { decode: response.decode, parse: (decoded) => Promise.resolve(decoded) },
  };
}
