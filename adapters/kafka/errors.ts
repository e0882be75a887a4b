import { PipelineError, messageOf, type ErrorCode } from '../../model/errors.ts';
import { faultOf } from '../net/connection-faults.ts';

/** How long a broker may take to answer a request. */
export const REQUEST_TIMEOUT_MS = 10_000;

const LASTING = new Set([
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

/** How a broker says that a newer producer of the same transactional id has begun, or ends this one's transaction. */
const FENCED = new Set([
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
  'INVALID_TXN_STATE',
  'CONCURRENT_TRANSACTIONS',
]);

/** How a broker refuses a request of an epoch that is no longer the producer's: kafkajs asks for no version that says more. */
const OLD_EPOCH = 'INVALID_PRODUCER_EPOCH';

/** Turns an error of the Kafka client into a named one; named ones stay as they are, also where it wraps them. */
export function asKafkaError(thrown: unknown, subject: string): PipelineError {
  const named = namedIn(thrown);
  if (named !== undefined) return named;
  const type = answerOf(thrown);
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION') {
    return new PipelineError('KAFKA_REFUSED', `${subject} does not exist`, { cause: thrown });
  }
  if (isTimeout(thrown)) {
    const late = `${brokerOf(thrown)} gave no answer within ${REQUEST_TIMEOUT_MS / 1000} s`;
    return new PipelineError('KAFKA_UNREACHABLE', `${subject}: ${late}`, { cause: thrown });
  }
  const fault = type === undefined ? faultOf(thrown) : undefined;
  if (fault !== undefined) {
    return new PipelineError(
      fault.isPermanent ? 'KAFKA_REFUSED' : 'KAFKA_UNREACHABLE',
      `${subject}: ${brokerOf(thrown)}: ${fault.reason}`,
      { cause: thrown },
    );
  }
  const words = wordsOf(type, thrown);
  const answer = `${subject} answered: ${words}${type === undefined ? '' : `${type}: `}${messageOf(thrown)}`;
  return new PipelineError(codeOf(type, thrown), answer, { cause: thrown });
}

/** Plain words for what a person can mend; followed by what the broker said. */
function wordsOf(type: string | undefined, thrown: unknown): string {
  if (type?.endsWith('_AUTHORIZATION_FAILED') === true) return 'the user has no right to do this: ';
  if (type === 'UNSUPPORTED_SASL_MECHANISM') return 'it does not take this kafka.sasl.mechanism: ';
  if (type === 'ILLEGAL_SASL_STATE') return 'this port asks for no login, but kafka.sasl is set: ';
  return isAuthentication(thrown) ? 'the user or the password is wrong: ' : '';
}

/** The broker that a connection was for. A cluster names its brokers itself, so it need not be one of the settings. */
export function brokerOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return 'a broker';
  return 'broker' in thrown && typeof thrown.broker === 'string' ? thrown.broker : brokerOf(thrown.cause);
}

function namedIn(thrown: unknown): PipelineError | undefined {
  if (thrown instanceof PipelineError) return thrown;
  return thrown instanceof Error ? namedIn(thrown.cause) : undefined;
}

function codeOf(type: string | undefined, thrown: unknown): ErrorCode {
  if (type !== undefined && FENCED.has(type)) return 'PUBLISH_FENCED';
  return (type !== undefined && LASTING.has(type)) || isAuthentication(thrown)
    ? 'KAFKA_REFUSED'
    : 'KAFKA_UNREACHABLE';
}

/**
 * What the broker answered: kafkajs gives it as the type of an error, of what its retries ended with, or of the first of
 * several errors.
 */
export function answerOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error)) return undefined;
  if ('type' in thrown) return String(thrown.type);
  const first =
    'errors' in thrown && Array.isArray(thrown.errors) ? (thrown.errors as unknown[])[0] : undefined;
  return answerOf(first) ?? answerOf(thrown.cause);
}

/** Whether a broker answered that the producer has a newer epoch: then it has aborted what the older one left open. */
export function isFenced(thrown: unknown): boolean {
  return answerOf(thrown) === OLD_EPOCH;
}

function isAuthentication(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'KafkaJSSASLAuthenticationError';
}

/** Whether a broker gave no answer in its time. */
export function isTimeout(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  return thrown.name === 'KafkaJSRequestTimeoutError' || isTimeout(thrown.cause);
}

/** Whether a broker closed a connection without a word, which has several causes. */
export function isSilentClose(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  return thrown.name === 'KafkaJSConnectionClosedError' || isSilentClose(thrown.cause);
}

/** Whether the client takes an error for a passing one; a broker that gave no answer has had its time. */
export function isTransient(error: unknown): boolean {
  return error instanceof Error && 'retriable' in error && error.retriable === true && !isTimeout(error);
}
