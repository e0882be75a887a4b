import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { Connection, isGrpcServiceError, type ConnectionOptions } from '@temporalio/client';
import { toClientOptions } from '@temporalio/envconfig';
import { requireConfidential } from '../model/confidential.ts';
import { PipelineError, messageOf } from '../model/errors.ts';
import type { Settings } from '../model/settings.ts';
import { requestedProfile, temporalProfile, type Environment } from '../model/temporal-environment.ts';
import { probe, type ConnectionFault } from './net/connection-faults.ts';

/** The options of a connection to Temporal, for clients and workers. */
export type TemporalConnection = Pick<ConnectionOptions, 'tls' | 'metadata'> & {
  /** host:port */
  readonly address: string;
  readonly apiKey?: string;
};

/** Timeout of the first attempt. If probing the server then finds no fault, it may be busy and gets a second attempt. */
const CONNECT_TIMEOUT = '5s';
const BUSY_TIMEOUT = '15s';

/** Names of gRPC metadata (HTTP headers) that can contain credentials. */
const SECRET_METADATA = /auth|cookie|credential|key|pass|secret|token/i;

/** The permanent errors among gRPC statuses: PERMISSION_DENIED and UNAUTHENTICATED. */
const REFUSED: Readonly<Record<number, string>> = {
  7: 'there is no right to do this',
  16: 'it does not accept the API key or the certificate',
};
const UNAVAILABLE = 14;

/**
 * Returns the connection options: the address of the settings, with TLS and API key from Temporal's environment
 * variables and profile.
 * @throws {PipelineError} SETTINGS_INVALID, also when an API key would be sent to another host without TLS.
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

/** Describes gRPC metadata that contains credentials; undefined if there is none. */
function secretMetadata(metadata: TemporalConnection['metadata']): string | undefined {
  const name = Object.keys(metadata ?? {}).find((key) => SECRET_METADATA.test(key));
  return name === undefined ? undefined : `the gRPC metadata ${name} of Temporal`;
}

/**
 * Connects a client; waits up to 20 s.
 * @throws {PipelineError} TEMPORAL_UNREACHABLE (transient), TEMPORAL_REFUSED (permanent)
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

/** Maps a connection error by Temporal's answer, or else by probing the server. */
export async function asTemporalError(
  thrown: unknown,
  connection: TemporalConnection,
): Promise<PipelineError> {
  const known = await knownError(thrown, connection);
  return (
    known ?? temporalError(connection.address, { reason: messageOf(thrown), isPermanent: false }, thrown)
  );
}

/** Maps an error like {@link asTemporalError}; undefined if the probe finds no fault. */
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

/** Maps a permission or authentication error to TEMPORAL_REFUSED; undefined for any other error. */
export function refusedError(thrown: unknown, address: string): PipelineError | undefined {
  const status = grpcStatusOf(thrown);
  if (status === undefined) return undefined;
  const refused = REFUSED[status.code];
  if (refused === undefined) return undefined;
  return temporalError(address, { reason: `${refused}: ${status.details}`, isPermanent: true }, thrown);
}

/** Returns whether an error is gRPC's UNAVAILABLE: an existing connection was lost. */
export function isUnavailable(thrown: unknown): boolean {
  return grpcStatusOf(thrown)?.code === UNAVAILABLE;
}

function temporalError(
  address: string,
  { reason, isPermanent }: ConnectionFault,
  cause: unknown,
): PipelineError {
  const code = isPermanent ? 'TEMPORAL_REFUSED' : 'TEMPORAL_UNREACHABLE';
  return new PipelineError(code, `Temporal at ${address}: ${reason}`, { cause });
}

/** Returns the gRPC status in an error's chain of causes; undefined if there is none. */
export function grpcStatusOf(
  thrown: unknown,
): { readonly code: number; readonly details: string } | undefined {
  if (isGrpcServiceError(thrown)) return thrown;
  return thrown instanceof Error ? grpcStatusOf(thrown.cause) : undefined;
}

/** Splits an address; the default port is 7233, and IPv6 addresses are in brackets. */
function hostAndPort(address: string): { host: string; port: number } {
  const [, host = address, port = '7233'] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(address) ?? [];
  return { host, port: Number(port) };
}

/** Converts the TLS options to those of node:tls. */
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
