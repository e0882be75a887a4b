import { z } from 'zod';
import { messageOf, PipelineError } from '../../model/errors.ts';
import { faultOf } from '../net/connection-faults.ts';

/** One HTTP exchange of an operation: what its errors name. */
export interface Step {
  /** The operation as WebHDFS calls it, as `RENAME`. */
  readonly operation: string;
  /** The absolute path that the operation is about. */
  readonly path: string;
  /** The kind and address of the server asked, as `NameNode 127.0.0.1:9870`; never a URL, which can hold a token. */
  readonly server: string;
  /** Whether this step changes anything in HDFS, so that its failure can leave doubt. */
  readonly changes: boolean;
  /** Whether it is the step at the DataNode, or at the gateway once more, that the NameNode sent on to. */
  readonly redirected: boolean;
}

/** What is known of a failure besides its message. */
export interface HdfsFailure {
  readonly exception?: string | undefined;
  readonly httpStatus?: number | undefined;
  readonly ambiguous?: boolean;
  readonly redirected?: boolean;
  readonly cause?: unknown;
}

/** A failure of HDFS, or of the way to it. */
export class HdfsError extends PipelineError {
  /** The simple name of the Java exception that the server named, as `FileNotFoundException`. */
  readonly exception: string | undefined;
  /** The HTTP status of the answer; undefined when there was none. */
  readonly httpStatus: number | undefined;
  /** The operation may have been carried out though it failed: the answer was lost or late, or leaves doubt. */
  readonly ambiguous: boolean;
  /** Whether a DataNode answered so, to which the NameNode had sent on. */
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

/** Exceptions that a later try, or another NameNode, can do away with. */
const PASSING: ReadonlySet<string> = new Set([
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
  // The writer before may be dead: its lease runs out, and the next answer is a lasting one.
  'AlreadyBeingCreatedException',
  'RecoveryInProgressException',
  'LeaseExpiredException',
  'NotReplicatedYetException',
  // No live DataNode has the block, or its copy is damaged; another copy can come back.
  'BlockMissingException',
  'ChecksumException',
  'ServerTooBusyException',
]);

/** Exceptions that a NameNode raises before it changes anything. */
const RAISED_BEFORE_CHANGE: ReadonlySet<string> = new Set([
  'RetriableException',
  'StandbyException',
  'ObserverRetryOnActiveException',
  'SafeModeException',
  'AlreadyBeingCreatedException',
]);

/** Operations that need DataNodes. */
const ABOUT_BLOCKS: ReadonlySet<string> = new Set(['CREATE', 'OPEN', 'GETFILECHECKSUM']);

const RemoteException = z.object({
  RemoteException: z.object({ exception: z.string().min(1), message: z.string().nullish() }),
});

/**
 * The error of an answer whose status is not the one expected.
 *
 * It goes by the exception's class: the status 403 stands for passing and lasting errors alike, and a 404
 * from something that is not WebHDFS says nothing of a file.
 * @param body The answer's body, or its beginning.
 * @param challenge Its `WWW-Authenticate`.
 */
export function answerError(step: Step, status: number, body: Buffer, challenge = ''): HdfsError {
  const remote = remoteException(body);
  if (remote === undefined) {
    const passing = status >= 500 || status === 429 || status === 408;
    return new HdfsError(
      passing ? 'HDFS_UNREACHABLE' : 'HDFS_REFUSED',
      `${where(step)}: ${refusalOf(status, challenge)}answered ${status} and named no exception of Hadoop`,
      { httpStatus: status, ambiguous: step.changes && (passing || status < 400) },
    );
  }
  const { exception, message } = remote;
  const passing = isPassing(step, exception, message, status);
  return new HdfsError(
    passing ? 'HDFS_UNREACHABLE' : 'HDFS_REFUSED',
    `${where(step)}: ${tokenRefusal(exception, message)}${exception}: ${message}`,
    {
      exception,
      httpStatus: status,
      ambiguous: step.changes && passing && !leavesNoDoubt(step, exception),
      redirected: step.redirected,
    },
  );
}

/** The error of an answer that has the expected status and yet is not what WebHDFS sends. */
export function unexpectedAnswer(step: Step, status: number, what: string): HdfsError {
  return new HdfsError('HDFS_UNREACHABLE', `${where(step)}: answered ${status}, but ${what}`, {
    httpStatus: status,
    ambiguous: step.changes,
  });
}

/** The error of an answer that is larger than what may be taken into memory. */
export function tooLarge(step: Step, limit: number): HdfsError {
  return new HdfsError('HDFS_REFUSED', `${where(step)}: the answer has more than ${limit} bytes`);
}

/**
 * The error of an exchange that ended without a whole answer.
 * @param sent Whether the server may have got the request.
 */
export function connectionError(step: Step, thrown: unknown, sent: boolean): HdfsError {
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
 * The error of a server that let a limit pass.
 * @param sent Whether the server may have got the request.
 */
export function timeoutError(step: Step, what: string, limitMs: number, sent: boolean): HdfsError {
  return new HdfsError('HDFS_UNREACHABLE', `${where(step)}: ${what} within ${limitMs} ms`, {
    ambiguous: step.changes && sent,
  });
}

function isPassing(step: Step, exception: string, message: string, status: number): boolean {
  if (PASSING.has(exception) || status >= 500) return true;
  // A create makes the folders it misses; so its file, or a folder of it, was removed while it was written.
  if (step.operation === 'CREATE' && exception === 'FileNotFoundException') return true;
  // The bare class stands for all that has none of its own: at the NameNode for requests that make no sense,
  // as a file renamed onto a folder; about blocks for DataNodes that are gone or busy ("Failed to find
  // datanode", "could only be written to 0 of the 1 minReplication nodes").
  return (
    exception === 'IOException' && ABOUT_BLOCKS.has(step.operation) && !message.includes('out of the range')
  );
}

/** Plain words for an answer that comes from what stands before HDFS. */
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

function leavesNoDoubt(step: Step, exception: string): boolean {
  // A create asks the NameNode for each block, so that its file may be there, in part, by then.
  if (step.operation === 'CREATE') return exception === 'AlreadyBeingCreatedException';
  return RAISED_BEFORE_CHANGE.has(exception);
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
  // A DataNode's message goes on with its stack.
  return { exception, message: (message ?? '').split('\n', 1)[0]?.trim() ?? '' };
}

function where(step: Step): string {
  return `${step.operation} ${step.path} at ${step.server}`;
}
