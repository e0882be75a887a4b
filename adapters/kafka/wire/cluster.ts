import Cluster from 'kafkajs/src/cluster/index.js';
import loggers, { type ClientLogger } from 'kafkajs/src/loggers/index.js';
import socketFactory from 'kafkajs/src/network/socketFactory.js';
import { ResponseMemory, completeResponses } from './response-reader.ts';
import { READ_UNCOMMITTED } from './fetch.ts';
import { clientConfig, type KafkaOptions } from '../client.ts';

/** The default of kafkajs's producers. */
const METADATA_MAX_AGE_MS = 300_000;

/** A kafkajs cluster, the memory of its responses and its logger. */
export interface OpenCluster {
  readonly cluster: Cluster;
  /** Reuses the memory of large responses. */
  readonly memory: ResponseMemory;
  readonly logger: ClientLogger;
}

/**
 * Creates kafkajs's cluster object, over which requests of our own can be sent. The caller connects and disconnects it.
 * @param suffix Ends the client id, which brokers log.
 */
export function openCluster(options: KafkaOptions, suffix: string): OpenCluster {
  const { logLevel: level, logCreator, ...config } = clientConfig(options, suffix);
  const logger = loggers.createLogger({ level, logCreator });
  const memory = new ResponseMemory();
  const sockets = options.tls === undefined ? completeResponses(memory) : socketFactory();
  // Of `fetchTopicsOffset`, which then returns high watermarks.
  const isolationLevel = READ_UNCOMMITTED;
  const own = { logger, socketFactory: sockets, metadataMaxAge: METADATA_MAX_AGE_MS, isolationLevel };
  return { cluster: new Cluster({ ...config, ...own, allowAutoTopicCreation: false }), memory, logger };
}
