import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

/** The reason why a connection failed. */
export interface ConnectionFault {
  /** A clause whose subject is the server. */
  readonly reason: string;
  /** Whether the fault needs a person, such as an untrusted certificate; otherwise a retry can succeed. */
  readonly isPermanent: boolean;
}

const NO_TLS = 'it was spoken to with TLS, but this port speaks no TLS';
const WANTS_TLS = 'it was spoken to without TLS, but this port speaks TLS';
const CLIENT_CERTIFICATE = 'it does not accept our certificate, or wants one and got none';
const UNKNOWN_CA =
  'its certificate is signed by an authority that is not trusted here (caFile names those to trust)';

/** Faults by error codes of Node and OpenSSL; the first match counts. */
const FAULTS: readonly (readonly [code: RegExp, reason: string, isPermanent: boolean])[] = [
  [/^ENOTFOUND$/, 'its name is not known', false],
  [/^EAI_/, 'its name cannot be looked up now', false],
  [/^ECONNREFUSED$/, 'it refused the connection: nothing listens on that port', false],
  [/^E(HOST|NET)(UNREACH|DOWN)$/, 'there is no way to its network', false],
  [/^ETIMEDOUT$/, 'it did not answer in time', false],
  [/^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)$|^EPROTO$/, NO_TLS, true],
  [/^CERT_HAS_EXPIRED$/, 'its certificate has expired', true],
  [/^CERT_NOT_YET_VALID$/, 'its certificate is not valid yet', true],
  [/^ERR_TLS_CERT_ALTNAME_/, 'its certificate is for another name', true],
  [/^(UNABLE_TO_(VERIFY|GET_ISSUER)|SELF_SIGNED|DEPTH_ZERO)|^CERT_UNTRUSTED$/, UNKNOWN_CA, true],
  [/^ERR_SSL_.*(CERTIFICATE|UNKNOWN_CA)/, CLIENT_CERTIFICATE, true],
  [/^ERR_SSL_.*(HANDSHAKE_FAILURE|PROTOCOL_VERSION|NO_SHARED_CIPHER)/, 'it agrees on no kind of TLS', true],
  [/^(CERT_|ERR_TLS_)/, 'its certificate is not accepted', true],
];

/** Node's message if the server closes the connection during the TLS handshake. */
const HANDSHAKE_CLOSED = 'before secure TLS connection was established';

/** Returns the fault of the first known error in the chain of causes; undefined if none is known. */
export function faultOf(thrown: unknown): ConnectionFault | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const inner = thrown instanceof AggregateError ? (thrown.errors as unknown[])[0] : thrown.cause;
  const code = 'code' in thrown ? String(thrown.code) : '';
  const known = FAULTS.find(([pattern]) => pattern.test(code));
  if (known !== undefined) return { reason: known[1], isPermanent: known[2] };
  if (thrown.message.includes(HANDSHAKE_CLOSED)) {
    return {
      reason: 'it closed the connection when TLS began, as a port that speaks no TLS does',
      isPermanent: false,
    };
  }
  return faultOf(inner);
}

/** A server to connect to. */
export interface Probe {
  readonly host: string;
  readonly port: number;
  /** TLS options; undefined for plain TCP. */
  readonly tls: ConnectionOptions | undefined;
}

const PROBE_TIMEOUT_MS = 3_000;
/** Time to wait after a handshake: with TLS 1.3, a server rejects the client's certificate after the client is done. */
const REJECTION_TIMEOUT_MS = 500;

/**
 * Connects once to a server to diagnose a failed connection: unknown host, closed port, TLS or none, untrusted
 * certificate. Sends no data.
 * @returns The fault; undefined if the connection succeeded.
 */
export async function probe({ host, port, tls }: Probe): Promise<ConnectionFault | undefined> {
  if (tls !== undefined)
    return tryConnect(connectTls({ ...serverNameOf(host), ...tls, host, port }), 'secureConnect');
  const fault = await tryConnect(connectTcp({ host, port }), 'connect');
  if (fault !== undefined || !(await speaksTls(host, port))) return fault;
  return { reason: WANTS_TLS, isPermanent: true };
}

/** Returns whether a server speaks TLS, even if it rejects the handshake. */
async function speaksTls(host: string, port: number): Promise<boolean> {
  // Nothing is sent, so the certificate needs no verification.
  const fault = await tryConnect(
    connectTls({ ...serverNameOf(host), host, port, rejectUnauthorized: false }),
    'secureConnect',
  );
  return fault === undefined || fault.reason === CLIENT_CERTIFICATE;
}

function serverNameOf(host: string): { servername?: string } {
  return isIP(host) === 0 ? { servername: host } : {};
}

function tryConnect(
  socket: Socket,
  connected: 'connect' | 'secureConnect',
): Promise<ConnectionFault | undefined> {
  return new Promise((resolve) => {
    const settle = (fault: ConnectionFault | undefined): void => {
      socket.destroy();
      resolve(fault);
    };
    socket.setTimeout(PROBE_TIMEOUT_MS, () => {
      settle({ reason: 'it did not answer in time', isPermanent: false });
    });
    socket.on('error', (error) => {
      settle(faultOf(error) ?? { reason: `the connection was lost: ${error.message}`, isPermanent: false });
    });
    socket.once(connected, () => {
      setTimeout(settle, connected === 'secureConnect' ? REJECTION_TIMEOUT_MS : 0, undefined);
    });
  });
}
