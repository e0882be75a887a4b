import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { childOf, encodePath, baseName } from '../../adapters/hdfs/paths.ts';
import { HdfsError, WebHdfs } from '../../adapters/hdfs/webhdfs.ts';

test('each segment is encoded once, and the slashes between them are kept', () => {
  assert.equal(encodePath('/'), '/');
  assert.equal(encodePath('/warehouse/_delta_log/00.json'), '/warehouse/_delta_log/00.json');
  assert.equal(encodePath('/a b/100%/%41'), '/a%20b/100%25/%2541');
  assert.equal(encodePath('/é/中/😀'), '/%C3%A9/%E4%B8%AD/%F0%9F%98%80');
  assert.equal(encodePath('/a+b/a&b=c/a#b/a?b/a;b'), '/a%2Bb/a%26b%3Dc/a%23b/a%3Fb/a%3Bb');
});

test('an accepted path decodes to itself, and URL leaves it unchanged', () => {
  const segment = fc
    .string({ unit: 'binary', minLength: 1 })
    .map((text) => text.normalize('NFC'))
    .filter((text) => !/^\.{0,2}$|[/\0]/.test(text));
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 5 }), (segments) => {
      const path = `/${segments.join('/')}`;
      fc.pre(path === path.normalize('NFC'));
      const { pathname } = new URL(`http://host:1/webhdfs/v1${encodePath(path)}`);
      assert.equal(pathname, `/webhdfs/v1${encodePath(path)}`);
      assert.equal(decodeURIComponent(pathname), `/webhdfs/v1${path}`);
    }),
  );
});

test('a path that HDFS would refuse or normalize is refused before any request', async () => {
  // Nothing listens there, so the error must come from the check of the path.
  const hdfs = new WebHdfs({ nameNodes: ['http://127.0.0.1:1'], user: 'hdfs' });
  for (const [path, why] of [
    ['', /not absolute/],
    ['a/b', /not absolute/],
    ['/a//b', /empty segment/],
    ['/a/', /empty segment/],
    ['//', /empty segment/],
    ['/a/./b', /segment "\."/],
    ['/a/../b', /segment "\.\."/],
    ['/\ud800', /UTF-8/],
    ['/a\0b', /UTF-8/],
    ['/e\u0301', /composed form/],
  ] as const) {
    for (const call of [hdfs.status(path), hdfs.rename(path, '/b'), hdfs.rename('/b', path)]) {
      await assert.rejects(call, (error) => {
        assert.ok(error instanceof HdfsError);
        assert.deepEqual([error.code, error.ambiguous], ['HDFS_REFUSED', false]);
        assert.match(error.message, why);
        return true;
      });
    }
  }
});

test('paths are joined from names of entries, at the root too', () => {
  assert.equal(baseName('/a/b'), 'b');
  assert.equal(baseName('/'), '');
  assert.equal(childOf('/', 'a'), '/a');
  assert.equal(childOf('/a', 'b'), '/a/b');
});
