import { z } from 'zod';
import { ADDRESS, NAME, VARIABLE } from './settings-values.ts';

/** Where Temporal is, and how to speak to it. */
export const Temporal = z
  .strictObject({
    address: ADDRESS.default('127.0.0.1:7233').describe('The Temporal server, as host:port.'),
    namespace: z.string().min(1).default('default').describe('Its namespace, which must exist.'),
    taskQueue: NAME.default('ingest').describe(
      'The task queue that workers and clients share. Each host has one of its own besides, named after it.',
    ),
    uiUrl: z
      .url()
      .default('http://127.0.0.1:8233')
      .describe('Where the Temporal UI is, for the links that the command line prints.'),
  })
  .describe('The engine that runs the workflow.');

const FILE = z.string().min(1);

const TLS_FILES = {
  caFile: FILE.optional().describe(
    'A PEM file with the authorities to trust; without it, those that Node knows. Relative to the settings file, as the other files.',
  ),
  certificateFile: FILE.optional().describe(
    'A PEM file with a certificate of our own, for servers that ask for one.',
  ),
  keyFile: FILE.optional().describe('A PEM file with its key.'),
};

/** A certificate is of no use without its key. */
function isPair(tls: TlsFiles): boolean {
  return (tls.certificateFile === undefined) === (tls.keyFile === undefined);
}

const PAIR = 'certificateFile and keyFile go together';

/** Where Kafka is, and how to speak to it. */
export const Kafka = z
  .strictObject({
    brokers: z
      .array(ADDRESS)
      .min(1)
      .default(['127.0.0.1:9092'])
      .describe('One broker or more of the cluster, as host:port.'),
    partitions: z
      .int()
      .min(1)
      .max(1000)
      .default(6)
      .describe('How many partitions a topic gets when it is made.'),
    replicationFactor: z
      .int()
      .min(1)
      .max(9)
      .default(1)
      .describe('How many brokers hold each partition of a topic that is made.'),
    tls: z
      .strictObject({
        ...TLS_FILES,
        serverName: z
          .string()
          .min(1)
          .optional()
          .describe(
            'The name that the brokers’ certificates must have, where it is not that of their address.',
          ),
      })
      .refine(isPair, PAIR)
      .optional()
      .describe('Speaks TLS to the brokers; `{}` is enough where a well-known authority signed for them.'),
    sasl: z
      .strictObject({
        mechanism: z
          .enum(['plain', 'scram-sha-256', 'scram-sha-512'])
          .describe(
            'How the login goes. `plain` shows the password to the server, so use it with TLS alone.',
          ),
        user: z.string().min(1).describe('Whom to log in.'),
        passwordVariable: VARIABLE.describe('The name of the environment variable that holds the password.'),
      })
      .optional()
      .describe('Logs in.'),
  })
  .describe('The cluster that records are published to and consumed from.');

/** Where HDFS is, and how to speak to it. */
export const Hdfs = z
  .strictObject({
    nameNodes: z
      .array(z.url({ protocol: /^https?$/ }))
      .min(1)
      .default(['http://127.0.0.1:9870'])
      .describe('The HTTP or HTTPS addresses of the NameNodes, the active and the standby ones.'),
    user: z.string().min(1).default('hdfs').describe('Whom HDFS takes the pipeline for (`user.name`).'),
    warehouse: z
      .string()
      .regex(
        /^(\/(?!\.{1,2}(\/|$))[A-Za-z0-9_.-]+)+$/,
        'must be an absolute path of A-Z, a-z, 0-9, _, . and -, as /warehouse',
      )
      .default('/warehouse')
      .describe('The folder of the tables in HDFS, absolute.'),
  })
  .describe('The file system that holds the tables.');

/** What of TLS stands in files. */
export type TlsFiles = Partial<Record<keyof typeof TLS_FILES, string | undefined>>;

/** A login of Kafka's. */
export type Sasl = NonNullable<z.infer<typeof Kafka>['sasl']>;
