/** The parts of kafkajs's private modules that code outside of this folder needs, by the names that it uses them by. */
export type { default as Cluster } from 'kafkajs/src/cluster/index.js';
export { createErrorFromCode } from 'kafkajs/src/protocol/error.js';
export { default as plainAuthenticator } from 'kafkajs/src/broker/saslAuthenticator/plain.js';
