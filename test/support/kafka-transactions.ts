import type { ProtocolRequest } from 'kafkajs/src/cluster/index.js';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';
import { openCluster } from '../../adapters/kafka/wire/cluster.ts';
import type { KafkaOptions } from '../../adapters/kafka/client.ts';

/** The request for a coordinator's transactions (kafka.apache.org/protocol, "ListTransactions"). */
const LIST = { apiKey: 66, apiVersion: 0, apiName: 'ListTransactions' } as const;

/**
 * Returns the states of the transactional ids of a single-broker cluster, as Kafka's own tool names them: `Ongoing`,
 * `CompleteCommit` and others.
 */
export async function transactionStates(options: KafkaOptions): Promise<Map<string, string>> {
  const { cluster } = openCluster(options, 'transactions');
  try {
    await cluster.connect();
    const broker = await cluster.brokerPool.findConnectedBroker();
    return await broker.connectionPool.send(LIST_ALL);
  } finally {
    await cluster.disconnect();
  }
}

const LIST_ALL: ProtocolRequest<Map<string, string>> = {
  request: {
    ...LIST,
    encode: () => {
      /** Tagged fields of the header; any state, any producer; tagged fields. */
      const body = Buffer.of(0, 1, 1, 0);
      return Promise.resolve(new Encoder().writeBuffer(body));
    },
  },
  response: {
    decode: (answer) => Promise.resolve(readStates(new Decoder(answer))),
    parse: (decoded) => Promise.resolve(decoded),
  },
};

function readStates(answer: Decoder): Map<string, string> {
  const states = new Map<string, string>();
  answer.readTaggedFields();
  answer.readInt32(); // throttle time
  const error = answer.readInt16();
  if (error !== 0) throw new Error(`the broker answered with error ${error} of Kafka`);
  answer.readUVarIntArray((filter) => {
    filter.readUVarIntString();
  });
  answer.readUVarIntArray((transaction) => {
    const id = transaction.readUVarIntString() ?? '';
    transaction.readInt64(); // producer id
    states.set(id, transaction.readUVarIntString() ?? '');
    transaction.readTaggedFields();
  });
  return states;
}
