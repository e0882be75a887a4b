import assert from 'node:assert/strict';
import test from 'node:test';
import {
  answerError,
  connectionError,
  timeoutError,
  unexpectedAnswer,
  type RequestStep,
} from '../../adapters/hdfs/errors.ts';

const step = (operation: string, changes: boolean): RequestStep => ({
  operation,
  path: '/a',
  server: 'NameNode 127.0.0.1:9870',
  changes,
  redirected: false,
});
const READ = step('OPEN', false);
const RENAME = step('RENAME', true);
const CREATE = step('CREATE', true);

const body = (exception: string, message: string | null = 'why') =>
  Buffer.from(JSON.stringify({ RemoteException: { exception, javaClassName: `x.${exception}`, message } }));

test('the exception decides whether an error is transient, not the status, which is 403 for all', () => {
  const passing = ['RetriableException', 'StandbyException', 'SafeModeException', 'EOFException'];
  const lasting = [
    ...['AccessControlException', 'FileAlreadyExistsException', 'FileNotFoundException'],
    ...['ParentNotDirectoryException', 'InvalidPathException', 'DSQuotaExceededException'],
    ...['NSQuotaExceededException', 'PathIsNotEmptyDirectoryException', 'UnheardOfException'],
  ];
  for (const name of passing) {
    assert.equal(answerError(RENAME, 403, body(name)).code, 'HDFS_UNREACHABLE', name);
  }
  for (const name of lasting) assert.equal(answerError(RENAME, 403, body(name)).code, 'HDFS_REFUSED', name);
});

test('a bare IOException is transient where DataNodes are involved, and permanent where the NameNode decides alone', () => {
  const noNode = body('IOException', 'Failed to find datanode, suggest to check cluster health.');
  assert.equal(answerError(CREATE, 403, noNode).code, 'HDFS_UNREACHABLE');
  assert.equal(answerError(READ, 403, noNode).code, 'HDFS_UNREACHABLE');
  const range = body('IOException', 'Offset=5 out of the range [0, 5)');
  assert.equal(answerError(READ, 403, range).code, 'HDFS_REFUSED');
  const folder = body('IOException', 'Source /a and destination /b must both be directories');
  assert.equal(answerError(RENAME, 403, folder).code, 'HDFS_REFUSED');
});

test('only an operation that may have been carried out is in doubt', () => {
  assert.equal(answerError(RENAME, 403, body('EOFException')).ambiguous, true);
  assert.equal(answerError(RENAME, 403, body('StandbyException')).ambiguous, false);
  assert.equal(answerError(RENAME, 403, body('FileNotFoundException')).ambiguous, false);
  assert.equal(answerError(CREATE, 403, body('SafeModeException')).ambiguous, true);
  assert.equal(answerError(CREATE, 403, body('AlreadyBeingCreatedException')).ambiguous, false);
  assert.equal(answerError(READ, 500, body('EOFException')).ambiguous, false);
  assert.equal(connectionError(RENAME, new Error('reset'), true).ambiguous, true);
  assert.equal(connectionError(RENAME, new Error('refused'), false).ambiguous, false);
  assert.equal(connectionError(READ, new Error('reset'), true).ambiguous, false);
  assert.equal(timeoutError(RENAME, 'gave no answer', 5, true).ambiguous, true);
  assert.equal(timeoutError(RENAME, 'accepted no connection', 5, false).ambiguous, false);
  assert.equal(unexpectedAnswer(RENAME, 200, 'its body is not JSON').ambiguous, true);
});

test('a status without an exception tells nothing about a file', () => {
  const notFound = answerError(READ, 404, Buffer.from('<html>Not Found</html>'));
  assert.deepEqual([notFound.code, notFound.exception], ['HDFS_REFUSED', undefined]);
  for (const status of [408, 429, 500, 502, 503]) {
    assert.equal(answerError(RENAME, status, Buffer.from('busy')).code, 'HDFS_UNREACHABLE');
    assert.equal(answerError(RENAME, status, Buffer.from('busy')).ambiguous, true);
  }
  assert.equal(answerError(READ, 401, Buffer.from('')).code, 'HDFS_REFUSED');
  assert.equal(answerError(CREATE, 200, Buffer.from('')).ambiguous, true);
  assert.equal(answerError(READ, 404, Buffer.from('{"RemoteException":{}}')).exception, undefined);
  assert.equal(answerError(READ, 404, Buffer.from('null')).exception, undefined);
});

test('a message names the operation, the path, the server and the exception, without the stack', () => {
  const answered = answerError(RENAME, 403, body('QuotaException', 'full\n\tat org.apache.X(X.java:1)'));
  assert.equal(answered.message, 'RENAME /a at NameNode 127.0.0.1:9870: QuotaException: full');
  assert.equal(answered.httpStatus, 403);
  assert.match(answerError(READ, 403, body('E', null)).message, /: E: $/);
  const refused = connectionError(READ, new Error('connect ECONNREFUSED 127.0.0.1:9870'), false);
  assert.match(refused.message, /^OPEN \/a at NameNode 127\.0\.0\.1:9870: no connection: connect ECONN/);
  const late = timeoutError(READ, 'gave no answer', 30_000, true);
  assert.equal(late.message, 'OPEN /a at NameNode 127.0.0.1:9870: gave no answer within 30000 ms');
});

test('a rejected certificate is a permanent error', () => {
  const thrown = Object.assign(new Error('self-signed'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  assert.equal(connectionError(READ, thrown, false).code, 'HDFS_REFUSED');
});

test('an error tells whether it came from the DataNode of a redirect', () => {
  const body = Buffer.from('{"RemoteException":{"exception":"FileNotFoundException","message":"no"}}');
  assert.equal(answerError(READ, 404, body).redirected, false);
  assert.equal(answerError({ ...READ, redirected: true }, 404, body).redirected, true);
});
