import { HdfsError } from './errors.ts';

/**
 * Validates a path and encodes it for a URL: each segment once, as Hadoop decodes it once.
 * @param path Absolute, as `/warehouse/attempts`; `/` is the root.
 * @throws {HdfsError} HDFS_REFUSED for a path that is not absolute, has an empty, `.` or `..` segment, or would denote
 *   another path in HDFS.
 */
export function encodePath(path: string): string {
  if (!path.startsWith('/')) throw refusal(path, 'is not absolute');
  if (path === '/') return path;
  const segments = path.slice(1).split('/');
  for (const segment of segments) {
    if (segment === '') throw refusal(path, 'has an empty segment');
    if (segment === '.' || segment === '..') throw refusal(path, `has the segment "${segment}"`);
  }
  if (/\p{Surrogate}|\0/u.test(path)) throw refusal(path, 'has characters that UTF-8 or HDFS cannot hold');
  // The NameNode's redirect to a DataNode has the NFC form, so the data would be written to another path.
  if (path !== path.normalize('NFC')) throw refusal(path, 'is not in the composed form of Unicode (NFC)');
  return `/${segments.map(encodeURIComponent).join('/')}`;
}

/** Returns the last segment; empty for the root. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Returns the path of an entry of a folder. */
export function childOf(folder: string, name: string): string {
  return folder === '/' ? `/${name}` : `${folder}/${name}`;
}

function refusal(path: string, why: string): HdfsError {
  return new HdfsError('HDFS_REFUSED', `the HDFS path ${JSON.stringify(path)} ${why}; no request was sent`);
}
