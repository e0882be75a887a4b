import { z } from 'zod';
import { messageOf, PipelineError } from '../../model/errors.ts';
import { faultOf } from '../net/connection-faults.ts';

/** One HTTP exchange of an operation, as errors name it. */
export interface RequestStep {
  /** The WebHDFS operation, as `RENAME`. */
  readonly operation: string;
  /** The operation's absolute path. */
  readonly path: string;
  /** The server's kind and address, as `NameNode 127.0.0.1:9870`; never a URL, which can contain a token. */
  readonly server: string;
  /** Whether this step changes HDFS, so that its failure can be ambiguous. */
  readonly changes: boolean;
  /** Whether this step follows the NameNode's redirect, to a DataNode or the gateway itself. */
  readonly redirected: boolean;
}

/** The details of an {@link HdfsError}. */
export interface HdfsFailure {
  readonly exception?: string | undefined;
  readonly httpStatus?: number | undefined;
  readonly ambiguous?: boolean;
  readonly redirected?: boolean;
  readonly cause?: unknown;
}

/**
 * An error of HDFS or of the connection to it: HDFS_UNREACHABLE (transient), HDFS_REFUSED (permanent) or HDFS_DAMAGED
 * (content differs; can be sent or read again).
 */
export class HdfsError extends PipelineError {
  /** The simple class name of the Java exception, as `FileNotFoundException`. */
  readonly exception: string | undefined;
  /** The HTTP status; undefined if there was no answer. */
  readonly httpStatus: number | undefined;
  /** Whether the operation may have been executed despite the error: the answer was lost, late or unclear. */
  readonly ambiguous: boolean;
  /** Whether the error came after the NameNode's redirect, from a DataNode. */
  readonly redirected: boolean;

  constructor(
    code: 'HDFS_UNREACHABLE' | 'HDFS_REFUSED' | 'HDFS_DAMAGED',
    message: string,
    failure: HdfsFailure = {},
  ) {
    super(code, message, { cause: failure.cause });
    this.exception = failure.exception;
    this.httpStatus = failure.httpStatus;
    this.ambiguous = failure.ambiguous ?? false;
    this.redirected = failure.redirected ?? false;
  }
}

/** Transient exceptions: a retry, or another NameNode, can succeed. */
const TRANSIENT: ReadonlySet<string> = new Set([
  'RetriableException',
  'StandbyException',
  'ObserverRetryOnActiveException',
  'SafeModeException',
  // A DataNode's connection to a NameNode that was restarted, or died.
  'EOFException',
  'ConnectException',
  'ConnectTimeoutException',
  'SocketException',
  'SocketTimeoutException',
  'NoRouteToHostException',
  'UnknownHostException',
  'ClosedChannelException',
  'InterruptedIOException',
  // The previous writer may be dead; after its lease expires the error is a permanent one.
  'AlreadyBeingCreatedException',
  'RecoveryInProgressException',
  'LeaseExpiredException',
  'NotReplicatedYetException',
  // No live DataNode has a good replica of the block; one can come back.
  'BlockMissingException',
  'ChecksumException',
  'ServerTooBusyException',
]);

/** Exceptions that a NameNode throws before it changes anything. */
const THROWN_BEFORE_CHANGE: ReadonlySet<string> = new Set([
  'RetriableException',
  'StandbyException',
  'ObserverRetryOnActiveException',
  'SafeModeException',
  'AlreadyBeingCreatedException',
]);

/** Operations that access blocks on DataNodes. */
const BLOCK_OPERATIONS: ReadonlySet<string> = new Set(['CREATE', 'OPEN', 'GETFILECHECKSUM']);

const RemoteException = z.object({
  RemoteException: z.object({ exception: z.string().min(1), message: z.string().nullish() }),
});

/**
 * Returns the error for an answer with an unexpected status. The exception's class decides: 403 is used for transient
 * and permanent errors, and a 404 without an exception is not from WebHDFS and means no missing file.
 * @param body The answer's body, or its beginning.
 * @param challenge The `WWW-Authenticate` header.
 */
export function answerError(step: RequestStep, status: number, body: Buffer, challenge = ''): HdfsError {
  const remote = remoteException(body);
  if (remote === undefined) {
    const transient = status >= 500 || status === 429 || status === 408;
    return new HdfsError(
      transient ? 'HDFS_UNREACHABLE' : 'HDFS_REFUSED',
      `${where(step)}: ${refusalOf(status, challenge)}answered ${status} without a Hadoop exception`,
      { httpStatus: status, ambiguous: step.changes && (transient || status < 400) },
    );
  }
  const { exception, message } = remote;
  const transient = isTransient(step, exception, message, status);
  return new HdfsError(
    transient ? 'HDFS_UNREACHABLE' : 'HDFS_REFUSED',
    `${where(step)}: ${tokenRefusal(exception, message)}${exception}: ${message}`,
    {
      exception,
      httpStatus: status,
      ambiguous: step.changes && transient && !isUnambiguous(step, exception),
      redirected: step.redirected,
    },
  );
}

/** Returns the error for an answer with the expected status that is not a valid WebHDFS answer. */
export function unexpectedAnswer(step: RequestStep, status: number, what: string): HdfsError {
  return new HdfsError('HDFS_UNREACHABLE', `${where(step)}: answered ${status}, but ${what}`, {
    httpStatus: status,
    ambiguous: step.changes,
  });
}

/** Returns the error for an answer that exceeds the limit of bytes held in memory. */
export function tooLarge(step: RequestStep, limit: number): HdfsError {
  return new HdfsError('HDFS_REFUSED', `${where(step)}: the answer has more than ${limit} bytes`);
}

/**
 * Returns the error for an exchange that ended without a complete answer.
 * @param sent Whether the server may have received the request.
 */
export function connectionError(step: RequestStep, thrown: unknown, sent: boolean): HdfsError {
  const ambiguous = step.changes && sent;
  const fault = faultOf(thrown);
  const why = fault?.reason ?? messageOf(thrown);
  return new HdfsError(
    fault?.isPermanent === true ? 'HDFS_REFUSED' : 'HDFS_UNREACHABLE',
    `${where(step)}: ${sent ? 'the connection was lost' : 'no connection'}: ${why}`,
    { ambiguous, cause: thrown },
  );
}

/**
 * Returns the error for an exceeded timeout.
 * @param what The predicate of the message, as `gave no answer`.
 * @param sent Whether the server may have received the request.
 */
export function timeoutError(step: RequestStep, what: string, limitMs: number, sent: boolean): HdfsError {
  return new HdfsError('HDFS_UNREACHABLE', `${where(step)}: ${what} within ${limitMs} ms`, {
    ambiguous: step.changes && sent,
  });
}

function isTransient(step: RequestStep, exception: string, message: string, status: number): boolean {
  if (TRANSIENT.has(exception) || status >= 500) return true;
  // CREATE makes missing parents, so the file or a parent was deleted during the upload.
  if (step.operation === 'CREATE' && exception === 'FileNotFoundException') return true;
  // A plain IOException of the NameNode means an invalid request, as renaming a file onto a folder. For block
  // operations it means missing or busy DataNodes ("Failed to find datanode", "could only be written to 0 of the 1
  // minReplication nodes").
  return (
    exception === 'IOException' &&
    BLOCK_OPERATIONS.has(step.operation) &&
    !message.includes('out of the range')
  );
}

/** Explains the status of a gateway or proxy in front of HDFS. */
function refusalOf(status: number, challenge: string): string {
  if (status === 401 && /negotiate/i.test(challenge)) {
    return 'it asks for Kerberos, so it needs a delegation token (hdfs.delegationTokenVariable) or a gateway: ';
  }
  if (status === 401) return 'the user or the password is wrong, or missing (hdfs.basicAuth): ';
  return status === 403 ? 'the user has no right to do this: ' : '';
}

function tokenRefusal(exception: string, message: string): string {
  return `${exception} ${message}`.includes('InvalidToken')
    ? 'the delegation token is not valid, or has expired: '
    : '';
}

function isUnambiguous(step: RequestStep, exception: string): boolean {
  // CREATE calls the NameNode again for each block, when a partial file may exist already.
  if (step.operation === 'CREATE') return exception === 'AlreadyBeingCreatedException';
  return THROWN_BEFORE_CHANGE.has(exception);
}

function remoteException(body: Buffer): { exception: string; message: string } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
  const parsed = RemoteException.safeParse(value);
  if (!parsed.success) return undefined;
  const { exception, message } = parsed.data.RemoteException;
  // A DataNode's message contains the stack trace.
  return { exception, message: (message ?? '').split('\n', 1)[0]?.trim() ?? '' };
}

function where(step: RequestStep): string {
  return `${step.operation} ${step.path} at ${step.server}`;
}
