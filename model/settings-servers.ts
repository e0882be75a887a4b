import { z } from 'zod';
import { cleartextFault, isConfidential, type SecretRoute } from './confidential.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { ADDRESS, NAME, TOPIC, VARIABLE, hasNoLogin } from './settings-values.ts';

/** Returns the schema of the setting that allows a secret to be sent without TLS. */
function allowCleartext(secret: string) {
  return z
    .boolean()
    .optional()
    .describe(
      `If true, ${secret} is also sent without TLS to hosts other than this one, where others on the network can read it.`,
    );
}

/** Adds an issue for a secret that the settings would send without TLS to another host. */
function refuseCleartext(context: z.RefinementCtx, key: string, route: SecretRoute): void {
  if (isConfidential(route)) return;
  context.addIssue({ code: 'custom', path: [key], message: cleartextFault(route) });
}

/** The settings of the Temporal connection. */
export const Temporal = z
  .strictObject({
    address: ADDRESS.default('127.0.0.1:7233').describe(
      'The Temporal server, as host:port. TEMPORAL_ADDRESS overrides it.',
    ),
    namespace: z
      .string()
      .min(1)
      .default('default')
      .describe('The Temporal namespace, which must exist. TEMPORAL_NAMESPACE overrides it.'),
    taskQueue: NAME.default('ingest').describe(
      'The task queue that workers and clients share. Each host also has its own, whose name begins with it.',
    ),
    uiUrl: z
      .url()
      .default('http://127.0.0.1:8233')
      .describe('The URL of the Temporal UI, for the links that the command line prints.'),
    allowCleartext: allowCleartext('an API key, or a login in its gRPC metadata,'),
  })
  .describe('The Temporal server, which runs the workflows.');

const FILE = z.string().min(1);

const TLS_FILES = {
  caFile: FILE.optional().describe(
    'A PEM file with the trusted certificate authorities; the default is those of Node.js. Relative to the settings file, as the other files.',
  ),
  certificateFile: FILE.optional().describe(
    'A PEM file with the client certificate, for servers that require one.',
  ),
  keyFile: FILE.optional().describe('A PEM file with the private key of the client certificate.'),
};

function hasCertificateAndKeyOrNeither(tls: TlsFiles): boolean {
  return (tls.certificateFile === undefined) === (tls.keyFile === undefined);
}

const PAIR_FAULT = 'certificateFile and keyFile go together';

/** A day: shorter than any retry of a step, it would make retries publish twice. */
const MIN_MARKER_RETENTION_S = 86_400;

/** The settings of the Kafka connection. */
export const Kafka = z
  .strictObject({
    brokers: z
      .array(ADDRESS)
      .min(1)
      .default(['127.0.0.1:9092'])
      .describe('One or more bootstrap brokers of the cluster, as host:port.'),
    partitions: z
      .int()
      .min(1)
      .max(1000)
      .default(6)
      .describe('The number of partitions of a topic that the pipeline creates.'),
    replicationFactor: z
      .int()
      .min(1)
      .max(9)
      .default(1)
      .describe('The replication factor of a topic that the pipeline creates.'),
    markerTopic: TOPIC.default('pipeline-markers').describe(
      'The topic with a marker for each published chunk and each replay, by which a retry publishes nothing twice. It is created if it does not exist. Only the pipeline should have the right to write to it: a forged marker prevents records from being published.',
    ),
    markerRetention: z
      .string()
      .refine(
        (text) => (parseDuration(text) ?? 0) >= MIN_MARKER_RETENTION_S,
        `must be a duration of at least ${formatDuration(MIN_MARKER_RETENTION_S)}, as 400d`,
      )
      .default('400d')
      .describe(
        'How long a marker is kept at least: longer than a run may wait for a person, since a chunk that is retried later is published a second time.',
      ),
    tls: z
      .strictObject({
        ...TLS_FILES,
        serverName: z
          .string()
          .min(1)
          .optional()
          .describe(
            'The name that the brokers’ certificates must have, if it differs from their address (SNI).',
          ),
      })
      .refine(hasCertificateAndKeyOrNeither, PAIR_FAULT)
      .optional()
      .describe(
        'Enables TLS to the brokers; `{}` is enough if a well-known authority signed their certificates.',
      ),
    sasl: z
      .strictObject({
        mechanism: z
          .enum(['plain', 'scram-sha-256', 'scram-sha-512'])
          .describe(
            'The SASL mechanism. `plain` sends the password itself, so without TLS it is refused for hosts other than this one; see `kafka.allowCleartext`.',
          ),
        user: z.string().min(1).describe('The user name.'),
        passwordVariable: VARIABLE.describe('The name of the environment variable that holds the password.'),
      })
      .optional()
      .describe('Enables SASL authentication.'),
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
  .describe('The Kafka cluster that records are published to and consumed from.');

/** Returns the schema of HDFS permissions, in which the owner can always read and write, as the pipeline must. */
function mode(standard: string) {
  return z
    .string()
    .regex(
      /^0?[67][0-7]{2}$/,
      'must be three octal digits in quotes, as "0640", and let the owner read and write',
    )
    .default(standard);
}

/** The settings of the HDFS connection. */
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
        'The HTTP or HTTPS addresses of the NameNodes, active and standby; or of a gateway, as `https://knox.example.com:8443/gateway/default`.',
      ),
    user: z
      .string()
      .min(1)
      .default('hdfs')
      .describe(
        'The HDFS user (`user.name`), unless `basicAuth` or a delegation token identifies the pipeline.',
      ),
    tls: z
      .strictObject(TLS_FILES)
      .refine(hasCertificateAndKeyOrNeither, PAIR_FAULT)
      .optional()
      .describe(
        'TLS files for HTTPS addresses; not needed if a well-known authority signed their certificates.',
      ),
    basicAuth: z
      .strictObject({
        user: z.string().min(1).describe('The user name.'),
        passwordVariable: VARIABLE.describe('The name of the environment variable that holds the password.'),
      })
      .optional()
      .describe(
        'HTTP basic authentication, as the gateway Apache Knox requires; only over HTTPS or to this host, unless `hdfs.allowCleartext` is true.',
      ),
    delegationTokenVariable: VARIABLE.optional().describe(
      'The name of the environment variable that holds a WebHDFS delegation token; it is sent only over HTTPS or to this host, unless `hdfs.allowCleartext` is true.',
    ),
    allowCleartext: allowCleartext('the password of `basicAuth` or the delegation token'),
    fileMode: mode('0640').describe(
      'The permissions of the files that the pipeline writes: three octal digits, for the owner, the group and all others. By default the group, that of the warehouse’s parent folder, can read them.',
    ),
    directoryMode: mode('0750').describe(
      'The permissions of the folders that the pipeline creates. An existing warehouse folder keeps its own.',
    ),
    warehouse: z
      .string()
      .regex(
        /^(\/(?!\.{1,2}(\/|$))[A-Za-z0-9_.-]+)+$/,
        'must be an absolute path of A-Z, a-z, 0-9, _, . and -, as /warehouse',
      )
      .default('/warehouse')
      .describe('The absolute path of the folder of the tables in HDFS.'),
  })
  .superRefine((hdfs, context) => {
    const key = hdfs.basicAuth === undefined ? 'delegationTokenVariable' : 'basicAuth';
    for (const route of hdfsSecretRoutes(hdfs)) refuseCleartext(context, key, route);
  })
  .refine(({ basicAuth, delegationTokenVariable: token }) => basicAuth === undefined || token === undefined, {
    path: ['basicAuth'],
    error: 'says who the pipeline is, and so does hdfs.delegationTokenVariable: keep one of them',
  })
  .describe('The HDFS cluster that stores the tables.');

/** The settings of HDFS that decide whether a secret is sent to it. */
export interface HdfsSecrets {
  readonly nameNodes: readonly string[];
  readonly basicAuth?: object | undefined;
  readonly delegationTokenVariable?: string | undefined;
  readonly allowCleartext?: boolean | undefined;
}

/** Returns the route of the secret to each NameNode; empty without a secret. */
export function hdfsSecretRoutes(hdfs: HdfsSecrets): SecretRoute[] {
  return hdfs.nameNodes
    .filter((address) => URL.canParse(address))
    .flatMap((address) => hdfsSecretRoute(hdfs, new URL(address)) ?? []);
}

/** Returns the route of the secret to one server; undefined without a secret. */
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

/** The paths of PEM files. */
export type TlsFiles = Partial<Record<keyof typeof TLS_FILES, string | undefined>>;

/** Kafka's SASL settings. */
export type Sasl = NonNullable<z.infer<typeof Kafka>['sasl']>;
