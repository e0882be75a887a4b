import type Cluster from 'kafkajs/src/cluster/index.js';
import type { ProtocolRequest } from 'kafkajs/src/cluster/index.js';
import { createErrorFromCode } from 'kafkajs/src/protocol/error.js';
import request from 'kafkajs/src/protocol/requests/createTopics/v2/request.js';
import response, { type CreateTopicsAnswer } from 'kafkajs/src/protocol/requests/createTopics/v2/response.js';

/** The number of partitions and replicas of a new topic, and its settings that differ from the brokers' defaults. */
export interface TopicShape {
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly config?: readonly { readonly name: string; readonly value: string }[];
}

/** A broker's reason not to create a topic. */
export interface TopicRefusal {
  /** kafkajs's error for the code. */
  readonly error: Error;
  /** The broker's `error_message`; null if it sends none. */
  readonly message: string | null;
}

const NONE = 0;
const TOPIC_ALREADY_EXISTS = 36;

/**
 * Has the controller validate the creation of a topic, without creating it (CreateTopics with `validate_only`).
 * @returns The broker's reason to refuse the topic; undefined if it would create it, or it exists.
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

/**
 * CreateTopics v2, with kafkajs's own codec. Format: https://kafka.apache.org/protocol#The_Messages_CreateTopics
 *
 * | Request              | Type   | Bytes |                       |
 * | -------------------- | ------ | ----: | --------------------- |
 * | topics               | ARRAY  |     4 | 1                     |
 * | – name               | STRING | 2 + n |                       |
 * | – num_partitions     | INT32  |     4 |                       |
 * | – replication_factor | INT16  |     2 |                       |
 * | – assignments        | ARRAY  |     4 | 0                     |
 * | – configs            | ARRAY  |     4 |                       |
 * | – – name             | STRING | 2 + n |                       |
 * | – – value            | STRING | 2 + n |                       |
 * | timeout_ms           | INT32  |     4 | kafkajs's default     |
 * | validate_only        | BOOL   |     1 | true                  |
 *
 * | Response             | Type            | Bytes |
 * | -------------------- | --------------- | ----: |
 * | throttle_time_ms     | INT32           |     4 |
 * | topics               | ARRAY           |     4 |
 * | – name               | STRING          | 2 + n |
 * | – error_code         | INT16           |     2 |
 * | – error_message      | NULLABLE_STRING | 2 + n |
 */
function validateRequest(topic: string, shape: TopicShape): ProtocolRequest<CreateTopicsAnswer> {
  const { partitions: numPartitions, replicationFactor, config: configEntries = [] } = shape;
  return {
    request: request({
      topics: [{ topic, numPartitions, replicationFactor, configEntries }],
      validateOnly: true,
    }),
    // kafkajs's own `parse` throws an error without the broker's error_message.
    response: { decode: response.decode, parse: (decoded) => Promise.resolve(decoded) },
  };
}
