import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

/** Why a connection cannot be had, in plain words. */
export interface ConnectionFault {
  readonly reason: string;
  /** Whether it lasts until a person changes something, as with a certificate that is not trusted. */
  readonly isPermanent: boolean;
}

const NO_TLS = 'it was spoken to with TLS, but this port speaks no TLS';
const WANTS_TLS = 'it was spoken to without TLS, but this port speaks TLS';
const CLIENT_CERTIFICATE = 'it does not accept our certificate, or wants one and got none';
const UNKNOWN_CA =
  'its certificate is signed by an authority that is not trusted here (caFile names those to trust)';

/** By the codes of Node and OpenSSL; the first that fits. */
const FAULTS: readonly (readonly [code: RegExp, what: string, lasting: boolean])[] = [
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

/** Node says so where a server closes the connection that TLS was begun on. */
const ENDED_HANDSHAKE = 'before secure TLS connection was established';

/** What a failed connection means, by the first error in the chain of causes that tells; undefined when none does. */
export function faultOf(thrown: unknown): ConnectionFault | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const inner = thrown instanceof AggregateError ? (thrown.errors as unknown[])[0] : thrown.cause;
  const code = 'code' in thrown ? String(thrown.code) : '';
  const known = FAULTS.find(([pattern]) => pattern.test(code));
  if (known !== undefined) return { reason: known[1], isPermanent: known[2] };
  if (thrown.message.includes(ENDED_HANDSHAKE)) {
    return {
      reason: 'it closed the connection when TLS began, as a port that speaks no TLS does',
      isPermanent: false,
    };
  }
  return faultOf(inner);
}

/** A server to try, and how. */
export interface Probe {
  readonly host: string;
  readonly port: number;
  /** How to speak TLS to it; undefined to speak without. */
  readonly tls: ConnectionOptions | undefined;
}

const PROBE_MS = 3_000;
/** A server of TLS 1.3 refuses our certificate only when the handshake is over here. */
const REFUSAL_MS = 500;

/**
 * Connects once to a server, for those whose client does not say why it cannot: is there such a host, does it
 * listen, does it speak TLS or none, is its certificate accepted?
 * @returns undefined where nothing is wrong as far as this goes.
 */
export async function probe({ host, port, tls }: Probe): Promise<ConnectionFault | undefined> {
  if (tls !== undefined) return attempt(connectTls({ ...nameOf(host), ...tls, host, port }), 'secureConnect');
  const fault = await attempt(connectTcp({ host, port }), 'connect');
  if (fault !== undefined || !(await speaksTls(host, port))) return fault;
  return { reason: WANTS_TLS, isPermanent: true };
}

/** Whether a server answers TLS with TLS, be it by refusing it. */
async function speaksTls(host: string, port: number): Promise<boolean> {
  // Whose certificate it is does not matter here, and nothing is sent.
  const fault = await attempt(
    connectTls({ ...nameOf(host), host, port, rejectUnauthorized: false }),
    'secureConnect',
  );
  return fault === undefined || fault.reason === CLIENT_CERTIFICATE;
}

function nameOf(host: string): { servername?: string } {
  return isIP(host) === 0 ? { servername: host } : {};
}

function attempt(
  socket: Socket,
  connected: 'connect' | 'secureConnect',
): Promise<ConnectionFault | undefined> {
  return new Promise((resolve) => {
    const settle = (fault: ConnectionFault | undefined): void => {
      socket.destroy();
      resolve(fault);
    };
    socket.setTimeout(PROBE_MS, () => {
      settle({ reason: 'it did not answer in time', isPermanent: false });
    });
    socket.on('error', (error) => {
      settle(faultOf(error) ?? { reason: `the connection was lost: ${error.message}`, isPermanent: false });
    });
    socket.once(connected, () => {
      setTimeout(settle, connected === 'secureConnect' ? REFUSAL_MS : 0, undefined);
    });
  });
}
