import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { Connection, isGrpcServiceError, type ConnectionOptions } from '@temporalio/client';
import { toClientOptions } from '@temporalio/envconfig';
import { requireConfidential } from '../model/confidential.ts';
import { PipelineError, messageOf } from '../model/errors.ts';
import type { Settings } from '../model/settings.ts';
import { requestedProfile, temporalProfile, type Environment } from '../model/temporal-environment.ts';
import { probe, type ConnectionFault } from './net/connection-faults.ts';

/** How to connect to Temporal; for a client's connection and for a worker's. */
export type TemporalConnection = Pick<ConnectionOptions, 'tls' | 'metadata'> & {
  /** host:port */
  readonly address: string;
  readonly apiKey?: string;
};

/** After this it is looked for what is wrong; where nothing is, the server may be busy, and has longer. */
const CONNECT_TIMEOUT = '5s';
const BUSY_TIMEOUT = '15s';

/** Names of gRPC metadata (HTTP headers) whose values log in. */
const SECRET_METADATA = /auth|cookie|credential|key|pass|secret|token/i;

/** The statuses of gRPC that a person has to do something about. */
const REFUSED: Readonly<Record<number, string>> = {
  7: 'there is no right to do this',
  16: 'it does not accept the API key or the certificate',
};
const UNAVAILABLE = 14;

/**
 * How to connect: to the address of the settings, with what of TLS and of an API key Temporal's environment variables
 * and profile say.
 * @throws {PipelineError} SETTINGS_INVALID, also where an API key would be sent without TLS to another host.
 */
export function temporalConnection(
  { address, allowCleartext }: Settings['temporal'],
  environment: Environment = process.env,
): TemporalConnection {
  const { tls, apiKey, metadata } = requestedProfile(
    () => toClientOptions(temporalProfile(environment)).connectionOptions,
  );
  const login = apiKey === undefined ? secretMetadata(metadata) : 'the API key of Temporal';
  if (login !== undefined) {
    requireConfidential({
      secret: login,
      host: hostAndPort(address).host,
      tls: tls !== undefined && tls !== null && tls !== false,
      allowCleartext,
      setting: 'temporal.allowCleartext',
    });
  }
  return {
    address,
    ...(tls === undefined ? {} : { tls }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}

/** Names the gRPC metadata that logs in; undefined where none does. */
function secretMetadata(metadata: TemporalConnection['metadata']): string | undefined {
  const name = Object.keys(metadata ?? {}).find((one) => SECRET_METADATA.test(one));
  return name === undefined ? undefined : `the gRPC metadata ${name} of Temporal`;
}

/**
 * Connects a client.
 * @throws {PipelineError} TEMPORAL_UNREACHABLE, TEMPORAL_REFUSED
 */
export async function connectTemporal(connection: TemporalConnection): Promise<Connection> {
  try {
    return await Connection.connect({ ...connection, connectTimeout: CONNECT_TIMEOUT });
  } catch (error) {
    const known = await knownError(error, connection);
    if (known !== undefined) throw known;
  }
  try {
    return await Connection.connect({ ...connection, connectTimeout: BUSY_TIMEOUT });
  } catch (error) {
    throw await asTemporalError(error, connection);
  }
}

/** Names an error of a connection: what Temporal answered, else what is seen when the server is tried by itself. */
export async function asTemporalError(
  thrown: unknown,
  connection: TemporalConnection,
): Promise<PipelineError> {
  const known = await knownError(thrown, connection);
  return (
    known ?? temporalError(connection.address, { reason: messageOf(thrown), isPermanent: false }, thrown)
  );
}

/** As {@link asTemporalError}; undefined where nothing is seen to be wrong. */
async function knownError(
  thrown: unknown,
  connection: TemporalConnection,
): Promise<PipelineError | undefined> {
  if (thrown instanceof PipelineError) return thrown;
  const answered = refusedError(thrown, connection.address);
  if (answered !== undefined) return answered;
  const fault = await probe({ ...hostAndPort(connection.address), tls: tlsOf(connection) });
  return fault === undefined ? undefined : temporalError(connection.address, fault, thrown);
}

/** What Temporal refused, or that it is gone, as a named error; undefined for all that is for the caller to judge. */
export function refusedError(thrown: unknown, address: string): PipelineError | undefined {
  const status = statusOf(thrown);
  if (status === undefined) return undefined;
  const refused = REFUSED[status.code];
  if (refused === undefined) return undefined;
  return temporalError(address, { reason: `${refused}: ${status.details}`, isPermanent: true }, thrown);
}

/** Whether Temporal could not be reached for a call, though it was before. */
export function isUnavailable(thrown: unknown): boolean {
  return statusOf(thrown)?.code === UNAVAILABLE;
}

function temporalError(
  address: string,
  { reason, isPermanent }: ConnectionFault,
  cause: unknown,
): PipelineError {
  const code = isPermanent ? 'TEMPORAL_REFUSED' : 'TEMPORAL_UNREACHABLE';
  return new PipelineError(code, `Temporal at ${address}: ${reason}`, { cause });
}

/** What gRPC answered; Temporal's client wraps it. */
export function statusOf(thrown: unknown): { readonly code: number; readonly details: string } | undefined {
  if (isGrpcServiceError(thrown)) return thrown;
  return thrown instanceof Error ? statusOf(thrown.cause) : undefined;
}

/** The port may be left out of TEMPORAL_ADDRESS, and an address of IPv6 stands in brackets. */
function hostAndPort(address: string): { host: string; port: number } {
  const [, host = address, port = '7233'] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(address) ?? [];
  return { host, port: Number(port) };
}

/** As Node's own TLS takes it. */
function tlsOf({ tls }: TemporalConnection): TlsOptions | undefined {
  if (tls === undefined || tls === null || tls === false) return undefined;
  const { serverNameOverride, serverRootCACertificate: ca, clientCertPair: pair } = tls === true ? {} : tls;
  return {
    ALPNProtocols: ['h2'],
    ...(serverNameOverride === undefined ? {} : { servername: serverNameOverride }),
    ...(ca === undefined ? {} : { ca: Buffer.from(ca) }),
    ...(pair === undefined ? {} : { cert: Buffer.from(pair.crt), key: Buffer.from(pair.key) }),
  };
}
