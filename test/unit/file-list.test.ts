import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { readFileList, writeFileList } from '../../steps/landing/file-list.ts';
import type { StagedFile, TableFiles } from '../../model/references.ts';

const FILES: StagedFile[] = [
  {
    table: 'deliveries',
    partition: { source: 's', ingested_on: '2026-01-31' },
    path: 'deliveries.parquet',
    rows: 2,
    bytes: 10,
    stats: '{}',
  },
];

const LIST = { files: FILES, erased: ['erased/offsets/t/0/1-2'], erasures: { s: 1 } };

let root: string;

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'file-list-'));
});

after(() => rm(root, { recursive: true }));

const own = { locate: (path: string) => Promise.resolve(join(root, path)) };

function written(): Promise<TableFiles> {
  return writeFileList(own, '.', LIST);
}

/** Replaces the list by another one; returns its summary. */
async function replaced(
  change: (list: { tables: string[]; files: unknown }) => unknown,
): Promise<TableFiles> {
  const tables = await written();
  const file = join(root, 'files.json');
  const list = JSON.parse(await readFile(file, 'utf8')) as { tables: string[]; files: unknown };
  const text = JSON.stringify(change(list));
  await writeFile(file, text);
  return { ...tables, files: { ...tables.files, sha256: createHash('sha256').update(text).digest('hex') } };
}

test('a list of files is read as it was written', async () => {
  assert.deepEqual(await readFileList(own, '.', await written()), LIST);
});

test('a list that was changed is refused', async () => {
  const tables = await written();
  await replaced(({ files }) => ({ tables: [], files }));
  await assert.rejects(readFileList(own, '.', tables), { code: 'INPUT_INVALID' });
});

test('a list that was written without one of the tables is lost, so that the batch is staged again', async () => {
  const message = 'files.json was written by a version of this program with other tables';
  const lost = { code: 'STAGING_LOST', message: `./${message}` };
  const without = await replaced(({ tables, ...list }) => ({
    tables: tables.filter((table) => table !== 'options'),
    ...list,
  }));
  await assert.rejects(readFileList(own, '.', without), lost);
  const earlier = await replaced(({ files }) => files);
  await assert.rejects(readFileList(own, '.', earlier), lost);
});

test('a list with a table that this version lacks is read', async () => {
  const more = await replaced(({ tables, ...list }) => ({ tables: [...tables, 'new'], ...list }));
  assert.deepEqual(await readFileList(own, '.', more), LIST);
});
