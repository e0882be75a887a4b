/** Private modules of kafkajs that code outside of this folder needs; see README.md. */
export type { default as Cluster } from 'kafkajs/src/cluster/index.js';
export { createErrorFromCode } from 'kafkajs/src/protocol/error.js';
export { default as plainAuthenticator } from 'kafkajs/src/broker/saslAuthenticator/plain.js';
