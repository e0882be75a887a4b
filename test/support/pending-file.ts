import { createHash, randomUUID } from 'node:crypto';
import type { PendingFile } from '../../adapters/delta/pending-files.ts';
import { WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import { NAME_NODE } from './faulty-hdfs.ts';

const HDFS = new WebHdfs({ nameNodes: [NAME_NODE], user: 'hdfs' });

/** Uploads a small file for a table, past any proxy, to be committed to a path relative to the table's folder. */
export async function pendingFile(tablePath: string, path: string): Promise<PendingFile> {
  const content = Buffer.from(path);
  const temporary = `_scratch/test-files/${randomUUID()}`;
  await HDFS.create(`${tablePath}/${temporary}`, content);
  const sha256 = createHash('sha256').update(content).digest('hex');
  const add = { path, partitionValues: {}, size: content.length, dataChange: true, stats: null };
  return { add: { ...add, tags: { sha256 } }, temporary };
}
