import { z } from 'zod';
import { ADDRESS, NAME, VARIABLE, hasNoLogin } from './settings-values.ts';

/** Where Temporal is, and how to speak to it. */
export const Temporal = z
  .strictObject({
    address: ADDRESS.default('127.0.0.1:7233').describe(
      'The Temporal server, as host:port, unless TEMPORAL_ADDRESS says where it is.',
    ),
    namespace: z
      .string()
      .min(1)
      .default('default')
      .describe('Its namespace, which must exist, unless TEMPORAL_NAMESPACE names another.'),
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

function isHttps(address: string): boolean {
  return address.startsWith('https:');
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
      .array(
        z
          .url({ protocol: /^https?$/ })
          .refine(hasNoLogin, 'must hold no user or password: see hdfs.basicAuth'),
      )
      .min(1)
      .default(['http://127.0.0.1:9870'])
      .describe(
        'The HTTP or HTTPS addresses of the NameNodes, the active and the standby ones; or of a gateway, as `https://knox.example.com:8443/gateway/default`.',
      ),
    user: z
      .string()
      .min(1)
      .default('hdfs')
      .describe(
        'Whom HDFS takes the pipeline for (`user.name`), unless `basicAuth` or a delegation token says who it is.',
      ),
    tls: z
      .strictObject(TLS_FILES)
      .refine(isPair, PAIR)
      .optional()
      .describe(
        'How to speak TLS to addresses of HTTPS; not needed where a well-known authority signed for them.',
      ),
    basicAuth: z
      .strictObject({
        user: z.string().min(1).describe('Whom to log in.'),
        passwordVariable: VARIABLE.describe('The name of the environment variable that holds the password.'),
      })
      .optional()
      .describe('Logs in with a password, as the gateway Apache Knox asks for it; over HTTPS alone.'),
    delegationTokenVariable: VARIABLE.optional().describe(
      'The name of the environment variable that holds a delegation token of WebHDFS.',
    ),
    warehouse: z
      .string()
      .regex(
        /^(\/(?!\.{1,2}(\/|$))[A-Za-z0-9_.-]+)+$/,
        'must be an absolute path of A-Z, a-z, 0-9, _, . and -, as /warehouse',
      )
      .default('/warehouse')
      .describe('The folder of the tables in HDFS, absolute.'),
  })
  .refine(({ basicAuth, nameNodes }) => basicAuth === undefined || nameNodes.every(isHttps), {
    path: ['basicAuth'],
    error: 'sends a password, so that every address of hdfs.nameNodes must be one of https',
  })
  .refine(({ basicAuth, delegationTokenVariable: token }) => basicAuth === undefined || token === undefined, {
    path: ['basicAuth'],
    error: 'says who the pipeline is, and so does hdfs.delegationTokenVariable: keep one of them',
  })
  .describe('The file system that holds the tables.');

/** What of TLS stands in files. */
export type TlsFiles = Partial<Record<keyof typeof TLS_FILES, string | undefined>>;

/** A login of Kafka's. */
export type Sasl = NonNullable<z.infer<typeof Kafka>['sasl']>;
