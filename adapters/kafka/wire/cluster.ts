import Cluster from 'kafkajs/src/cluster/index.js';
import loggers, { type ClientLogger } from 'kafkajs/src/loggers/index.js';
import socketFactory from 'kafkajs/src/network/socketFactory.js';
import { ResponseMemory, completeResponses } from './response-reader.ts';
import { clientConfig, type KafkaOptions } from '../client.ts';

/** As the client's own producers have it. */
const METADATA_MAX_AGE_MS = 300_000;

/** A {@link openCluster cluster}, and what is needed to work over it. */
export interface OpenCluster {
  readonly cluster: Cluster;
  /** Where the memory of its large answers can be given back to. */
  readonly memory: ResponseMemory;
  readonly logger: ClientLogger;
}

/**
 * The client's own view of a cluster, which can send requests of one's own; to be connected, and disconnected in
 * the end.
 * @param suffix Tells its purpose in the broker's logs.
 */
export function openCluster(options: KafkaOptions, suffix: string): OpenCluster {
  const { logLevel: level, logCreator, ...config } = clientConfig(options, suffix);
  const logger = loggers.createLogger({ level, logCreator });
  const memory = new ResponseMemory();
  const sockets = options.tls === undefined ? completeResponses(memory) : socketFactory();
  const own = { logger, socketFactory: sockets, metadataMaxAge: METADATA_MAX_AGE_MS };
  return { cluster: new Cluster({ ...config, ...own, allowAutoTopicCreation: false }), memory, logger };
}
