import { PipelineError, messageOf, type ErrorCode } from '../../model/errors.ts';
import { faultOf } from '../net/connection-faults.ts';

/** Default timeout of a request. */
export const REQUEST_TIMEOUT_MS = 10_000;

/** Errors that a retry does not mend. */
const PERMANENT = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'ILLEGAL_SASL_STATE',
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_REPLICATION_FACTOR',
  'INVALID_PARTITIONS',
  'INVALID_CONFIG',
  'POLICY_VIOLATION',
  'UNSUPPORTED_VERSION',
]);

/** Errors of a producer that was fenced by a newer one of its transactional id, or whose transaction is being ended. */
const FENCED = new Set([
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
  'INVALID_TXN_STATE',
  'CONCURRENT_TRANSACTIONS',
]);

/** The error for a stale producer epoch. PRODUCER_FENCED needs newer request versions than those of kafkajs. */
const STALE_EPOCH = 'INVALID_PRODUCER_EPOCH';

/** Converts an error of the Kafka client to a PipelineError; returns a PipelineError, also a wrapped one, unchanged. */
export function asKafkaError(thrown: unknown, subject: string): PipelineError {
  const named = findPipelineError(thrown);
  if (named !== undefined) return named;
  const type = brokerErrorType(thrown);
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION') {
    return new PipelineError('KAFKA_REFUSED', `${subject} does not exist`, { cause: thrown });
  }
  if (isTimeout(thrown)) {
    const timeout = `${brokerAddressOf(thrown)} gave no answer within ${REQUEST_TIMEOUT_MS / 1000} s`;
    return new PipelineError('KAFKA_UNREACHABLE', `${subject}: ${timeout}`, { cause: thrown });
  }
  const fault = type === undefined ? faultOf(thrown) : undefined;
  if (fault !== undefined) {
    return new PipelineError(
      fault.isPermanent ? 'KAFKA_REFUSED' : 'KAFKA_UNREACHABLE',
      `${subject}: ${brokerAddressOf(thrown)}: ${fault.reason}`,
      { cause: thrown },
    );
  }
  const answer = `${subject} answered: ${explain(type, thrown)}${type === undefined ? '' : `${type}: `}${messageOf(thrown)}`;
  return new PipelineError(errorCodeOf(type, thrown), answer, { cause: thrown });
}

/** Explains an error that a person can correct; the broker's message follows it. */
function explain(type: string | undefined, thrown: unknown): string {
  if (type?.endsWith('_AUTHORIZATION_FAILED') === true) return 'the user has no right to do this: ';
  if (type === 'UNSUPPORTED_SASL_MECHANISM') return 'it does not support this kafka.sasl.mechanism: ';
  if (type === 'ILLEGAL_SASL_STATE') return 'this port asks for no login, but kafka.sasl is set: ';
  return isAuthentication(thrown) ? 'the user or the password is wrong: ' : '';
}

/** Returns host:port of the broker that a request was sent to; it can differ from the settings (advertised listeners). */
export function brokerAddressOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return 'a broker';
  return 'broker' in thrown && typeof thrown.broker === 'string'
    ? thrown.broker
    : brokerAddressOf(thrown.cause);
}

function findPipelineError(thrown: unknown): PipelineError | undefined {
  if (thrown instanceof PipelineError) return thrown;
  return thrown instanceof Error ? findPipelineError(thrown.cause) : undefined;
}

function errorCodeOf(type: string | undefined, thrown: unknown): ErrorCode {
  if (type !== undefined && FENCED.has(type)) return 'PUBLISH_FENCED';
  return (type !== undefined && PERMANENT.has(type)) || isAuthentication(thrown)
    ? 'KAFKA_REFUSED'
    : 'KAFKA_UNREACHABLE';
}

/**
 * Returns the name of the broker's error code. kafkajs has it as the `type` of an error, of its cause, or of the first of
 * its `errors`.
 */
export function brokerErrorType(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error)) return undefined;
  if ('type' in thrown) return String(thrown.type);
  const first =
    'errors' in thrown && Array.isArray(thrown.errors) ? (thrown.errors as unknown[])[0] : undefined;
  return brokerErrorType(first) ?? brokerErrorType(thrown.cause);
}

/** Whether a newer producer epoch fenced this one; its InitProducerId has aborted the open transaction. */
export function isFenced(thrown: unknown): boolean {
  return brokerErrorType(thrown) === STALE_EPOCH;
}

function isAuthentication(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'KafkaJSSASLAuthenticationError';
}

/** Whether a request timed out. */
export function isTimeout(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  return thrown.name === 'KafkaJSRequestTimeoutError' || isTimeout(thrown.cause);
}

/** Whether a broker closed the connection without an answer, which has several causes. */
export function isSilentClose(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  return thrown.name === 'KafkaJSConnectionClosedError' || isSilentClose(thrown.cause);
}

/** Whether kafkajs marks an error as retriable. Timeouts are not retried here: they have used up their time. */
export function isTransient(error: unknown): boolean {
  return error instanceof Error && 'retriable' in error && error.retriable === true && !isTimeout(error);
}
