import { z } from 'zod';
import { cleartextFault, isConfidential, type SecretRoute } from './confidential.ts';
import { ADDRESS, NAME, VARIABLE, hasNoLogin } from './settings-values.ts';

/** The setting that lets a secret go to a server without TLS. */
function allowCleartext(secret: string) {
  return z
    .boolean()
    .optional()
    .describe(
      `With true, ${secret} is also sent without TLS to other hosts than this one, where others on the network can read it.`,
    );
}

/** Reports a secret that the settings would send without TLS to another host. */
function refuseCleartext(context: z.RefinementCtx, key: string, route: SecretRoute): void {
  if (isConfidential(route)) return;
  context.addIssue({ code: 'custom', path: [key], message: cleartextFault(route) });
}

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
    allowCleartext: allowCleartext('an API key, or a login in its gRPC metadata,'),
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
            'The mechanism of the login. `plain` sends the password itself, so without TLS it is refused for other hosts than this one; see `kafka.allowCleartext`.',
          ),
        user: z.string().min(1).describe('Whom to log in.'),
        passwordVariable: VARIABLE.describe('The name of the environment variable that holds the password.'),
      })
      .optional()
      .describe('Logs in.'),
    allowCleartext: allowCleartext('the password of a login with `plain`'),
  })
  .superRefine(({ brokers, tls, sasl, allowCleartext: allowed }, context) => {
    if (sasl?.mechanism !== 'plain') return;
    for (const broker of brokers) {
      refuseCleartext(context, 'sasl', {
        secret: 'the password of kafka.sasl',
        host: broker.replace(/:\d+$/, ''),
        tls: tls !== undefined,
        allowCleartext: allowed,
        setting: 'kafka.allowCleartext',
      });
    }
  })
  .describe('The cluster that records are published to and consumed from.');

/** Permissions of HDFS. The owner can always read and write, or the pipeline could not go on. */
function mode(standard: string) {
  return z
    .string()
    .regex(
      /^0?[67][0-7]{2}$/,
      'must be three octal digits in quotes, as "0640", and let the owner read and write',
    )
    .default(standard);
}

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
      .describe(
        'Logs in with a password, as the gateway Apache Knox asks for it; over HTTPS, or to this host, unless `hdfs.allowCleartext` is true.',
      ),
    delegationTokenVariable: VARIABLE.optional().describe(
      'The name of the environment variable that holds a delegation token of WebHDFS; it is sent over HTTPS, or to this host, unless `hdfs.allowCleartext` is true.',
    ),
    allowCleartext: allowCleartext('the password of `basicAuth` or the delegation token'),
    fileMode: mode('0640').describe(
      'The permissions of the files that the pipeline writes: three octal digits, for the owner, the group and all others. The default lets the group read them, which is that of the folder that the warehouse is in.',
    ),
    directoryMode: mode('0750').describe(
      'The permissions of the folders that the pipeline makes. A warehouse that is there keeps its own.',
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
  .superRefine((hdfs, context) => {
    const key = hdfs.basicAuth === undefined ? 'delegationTokenVariable' : 'basicAuth';
    for (const route of hdfsSecretRoutes(hdfs)) refuseCleartext(context, key, route);
  })
  .refine(({ basicAuth, delegationTokenVariable: token }) => basicAuth === undefined || token === undefined, {
    path: ['basicAuth'],
    error: 'says who the pipeline is, and so does hdfs.delegationTokenVariable: keep one of them',
  })
  .describe('The file system that holds the tables.');

/** The settings of HDFS that decide whether a secret is sent to it. */
export interface HdfsSecrets {
  readonly nameNodes: readonly string[];
  readonly basicAuth?: object | undefined;
  readonly delegationTokenVariable?: string | undefined;
  readonly allowCleartext?: boolean | undefined;
}

/** The secret that goes to HDFS with each request, and each NameNode that it goes to; none where there is no secret. */
export function hdfsSecretRoutes(hdfs: HdfsSecrets): SecretRoute[] {
  return hdfs.nameNodes
    .filter((address) => URL.canParse(address))
    .flatMap((address) => hdfsSecretRoute(hdfs, new URL(address)) ?? []);
}

/** The secret of {@link hdfsSecretRoutes} on its way to one server; undefined where there is no secret. */
export function hdfsSecretRoute(
  { basicAuth, delegationTokenVariable, allowCleartext: allowed }: Omit<HdfsSecrets, 'nameNodes'>,
  { hostname, protocol }: URL,
): SecretRoute | undefined {
  if (basicAuth === undefined && delegationTokenVariable === undefined) return undefined;
  return {
    secret:
      basicAuth === undefined
        ? 'the delegation token of hdfs'
        : 'the password of hdfs.basicAuth, for which every address of hdfs.nameNodes must be one of https,',
    host: hostname,
    tls: protocol === 'https:',
    allowCleartext: allowed,
    setting: 'hdfs.allowCleartext',
  };
}

/** What of TLS stands in files. */
export type TlsFiles = Partial<Record<keyof typeof TLS_FILES, string | undefined>>;

/** A login of Kafka's. */
export type Sasl = NonNullable<z.infer<typeof Kafka>['sasl']>;
