import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { asDuckDbError } from '../../adapters/duckdb/database.ts';
import { asKafkaError } from '../../adapters/kafka/errors.ts';
import { mapDiskFull } from '../../adapters/staging/staging.ts';
import { ERROR_CODES, type ErrorCode } from '../../model/error-codes.ts';
import { PipelineError } from '../../model/errors.ts';

/** The codes of errors that a retry can resolve. */
const TRANSIENT: readonly ErrorCode[] = [
  ...(['SOURCE_UNREACHABLE', 'SOURCE_BUSY', 'SOURCE_CHANGED', 'SOURCE_CUT'] as const),
  ...(['STAGING_FULL', 'KAFKA_UNREACHABLE', 'PUBLISH_FENCED', 'RANGE_STALLED'] as const),
  ...(['KAFKA_BATCH_DAMAGED', 'DELIVERIES_BEHIND', 'ERASURE_UNFINISHED_BATCH'] as const),
  ...(['HDFS_UNREACHABLE', 'HDFS_DAMAGED', 'TEMPORAL_UNREACHABLE', 'SCHEDULE_STALLED'] as const),
  ...(['WORKER_MISSING', 'SERVICE_INSTALL_FAILED', 'SERVICE_NOT_READY', 'SERVICE_BUSY'] as const),
];

const CODES = Object.keys(ERROR_CODES) as ErrorCode[];

function named(thrown: unknown): PipelineError {
  assert(thrown instanceof PipelineError, String(thrown));
  return thrown;
}

test('each code is transient or permanent, and its errors say so and give an advice', () => {
  for (const code of CODES) {
    const error = new PipelineError(code, 'what');
    assert.equal(error.canRetry, TRANSIENT.includes(code), code);
    assert.match(error.advice, /^\S.*\.$|^\S.*: \S.*$/, code);
  }
});

/** Makes the error of kafkajs for a broker's error code, also as wrapped after its retries. */
function answered(type: string, depth: number): Error {
  const own = Object.assign(new Error('what the broker said'), { name: 'KafkaJSProtocolError', type });
  return depth === 0 ? own : new Error('the retries are used up', { cause: answered(type, depth - 1) });
}

test('a broker’s refusal is permanent and any other of its errors transient, however deeply wrapped', () => {
  const permanent = [
    ...['TOPIC_AUTHORIZATION_FAILED', 'GROUP_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED'],
    ...['TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'SASL_AUTHENTICATION_FAILED', 'UNSUPPORTED_SASL_MECHANISM'],
    ...['ILLEGAL_SASL_STATE', 'INVALID_TOPIC_EXCEPTION', 'INVALID_REPLICATION_FACTOR', 'UNSUPPORTED_VERSION'],
    'UNKNOWN_TOPIC_OR_PARTITION',
  ];
  const fenced = [
    ...['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED', 'INVALID_TXN_STATE', 'CONCURRENT_TRANSACTIONS'],
  ];
  const other = fc
    .stringMatching(/^[A-Z]{3,10}(_[A-Z]{3,10}){0,3}$/)
    .filter((type) => !permanent.includes(type) && !fenced.includes(type));
  const depth = fc.nat({ max: 3 });
  const codeOf = (type: string, deep: number): string => asKafkaError(answered(type, deep), 'topic t').code;
  fc.assert(
    fc.property(fc.constantFrom(...permanent), depth, (type, deep) => {
      assert.equal(codeOf(type, deep), 'KAFKA_REFUSED');
    }),
  );
  fc.assert(
    fc.property(fc.constantFrom(...fenced), depth, (type, deep) => {
      assert.equal(codeOf(type, deep), 'PUBLISH_FENCED');
    }),
  );
  fc.assert(
    fc.property(other, depth, (type, deep) => {
      assert.equal(codeOf(type, deep), 'KAFKA_UNREACHABLE');
    }),
  );
});

test('a named error keeps its name when kafkajs wraps it', () => {
  fc.assert(
    fc.property(fc.constantFrom(...CODES), fc.nat({ max: 3 }), (code, depth) => {
      let thrown: Error = new PipelineError(code, 'what');
      for (let wraps = 0; wraps < depth; wraps += 1)
        thrown = Object.assign(new Error('wrapped', { cause: thrown }), { type: 'UNKNOWN' });
      assert.equal(asKafkaError(thrown, 'topic t').code, code);
    }),
  );
});

test('a full disk is transient and names the file; other system errors are unchanged', async () => {
  const failing = (thrown: Error): Promise<unknown> =>
    mapDiskFull('a/file', Promise.reject(thrown)).catch((error: unknown) => error);
  for (const code of ['ENOSPC', 'EDQUOT']) {
    const full = named(await failing(Object.assign(new Error(code), { code })));
    assert.deepEqual([full.code, full.canRetry], ['STAGING_FULL', true]);
    assert.match(full.message, /a\/file/);
  }
  const other = Object.assign(new Error('EIO'), { code: 'EIO' });
  assert.equal(await failing(other), other);
});

test('DuckDB’s errors are permanent, except a full disk, and never show a value', () => {
  const secret = '4111 1111 1111 1111';
  const failed = named(asDuckDbError(new Error(`Conversion Error: "${secret}" is no INTEGER`), 'the batch'));
  assert.deepEqual([failed.code, failed.canRetry], ['TRANSFORM_FAILED', false]);
  assert(!failed.message.includes(secret));
  const full = named(
    asDuckDbError(new Error('IO Error: Could not write file "a": No space left on device'), 'the batch'),
  );
  assert.deepEqual([full.code, full.canRetry], ['STAGING_FULL', true]);
});
