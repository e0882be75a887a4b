import assert from 'node:assert/strict';
import { SERVERS } from './harness.ts';

/**
 * Sets the modification time of a file in HDFS (SETTIMES of WebHDFS), as if it had been written then.
 * @param path Absolute.
 */
export async function setModified(path: string, ms: number): Promise<void> {
  const query = new URLSearchParams({
    op: 'SETTIMES',
    modificationtime: String(Math.floor(ms)),
    'user.name': 'hdfs',
  });
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  const response = await fetch(`${SERVERS.nameNode}/webhdfs/v1${encoded}?${query.toString()}`, {
    method: 'PUT',
    headers: { 'X-XSRF-HEADER': 'test' },
  });
  assert.equal(response.status, 200, await response.text());
}
