import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { KafkaOptions } from '../../adapters/kafka/client.ts';
import { keptUntil } from '../../adapters/kafka/retention.ts';
import { cacheFolderOf } from '../../adapters/delta/table-cache.ts';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import type { KafkaExpiry } from '../../model/erasure.ts';
import { sourceOf, type Settings } from '../../model/settings.ts';
import { ErasedRows } from '../../steps/erasure/erased-rows.ts';
import { searchFile, type PersonSearch } from '../../steps/erasure/search-file.ts';
import { deliveries } from '../../tables/index.ts';
import { withTemporaryFolder } from '../cli/interrupt.ts';
import { searchTopic } from './search-topic.ts';

/** A file with something of the persons. */
interface FoundFile {
  /** The path in HDFS or on this host. */
  readonly where: string;
  /** The number of rows; in files without rows, of the persons. */
  readonly count: number;
}

/** The result of {@link checkErasure}. */
export interface ErasureCheck {
  readonly clean: boolean;
  readonly files: number;
  readonly found: readonly FoundFile[];
  /** The messages of the persons that Kafka still has; not a fault until then. */
  readonly kafka: KafkaExpiry & { readonly messages: number };
}

/** The services and settings of {@link checkErasure}. */
interface CheckDeps {
  readonly settings: Settings;
  readonly warehouse: Warehouse;
  readonly kafka: KafkaOptions;
  /** Called with progress messages. */
  readonly say: (text: string) => void;
}

/**
 * Decodes what is left of a source: every file of the warehouse in HDFS, live or not, with the logs; this host's staging
 * folder and table cache; and the topic in Kafka. Read-only.
 * @param persons The keys of the persons.
 * @throws {PipelineError} If a server cannot be reached.
 */
export async function checkErasure(
  deps: CheckDeps,
  source: string,
  persons: readonly string[],
): Promise<ErasureCheck> {
  const { settings, warehouse, say } = deps;
  return withTemporaryFolder(async (temporaryFolder) => {
    const txns = (await warehouse.table(deliveries.name).head())?.txns ?? new Map<string, bigint>();
    const search = { persons: new Set(persons), erased: new ErasedRows(txns), temporaryFolder };
    say(`reading ${warehouse.path}`);
    const remote = await searchHdfs(warehouse, search);
    say('reading the staging folder and the cache of this host');
    const folders = [settings.worker.staging, cacheFolderOf(settings.hdfs.nameNodes, warehouse.path)];
    const local = await searchFolders(folders, search);
    say('reading the topic');
    const kafka = await searchKafka(deps, source, search.persons);
    const found = [...remote.found, ...local.found];
    return { clean: found.length === 0, files: remote.files + local.files, found, kafka };
  });
}

type SearchedFiles = Pick<ErasureCheck, 'files' | 'found'>;

async function searchHdfs(
  { path: root, options: { hdfs } }: Warehouse,
  search: PersonSearch,
): Promise<SearchedFiles> {
  const found: FoundFile[] = [];
  let files = 0;
  const folders = (await hdfs.status(root)) === undefined ? [] : [root];
  const local = join(search.temporaryFolder, 'file');
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop())
    for (const { path, type, length } of await hdfs.list(folder)) {
      if (type !== 'FILE') {
        folders.push(path);
        continue;
      }
      await hdfs.download(path, local, length);
      const count = await searchFile(local, search);
      files += 1;
      if (count > 0) found.push({ where: path, count });
    }
  return { files, found };
}

async function searchFolders(folders: readonly string[], search: PersonSearch): Promise<SearchedFiles> {
  const found: FoundFile[] = [];
  let files = 0;
  for (const folder of folders)
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])) {
      if (!entry.isFile()) continue;
      const where = join(entry.parentPath, entry.name);
      // Runs and queries delete their files meanwhile.
      const count = await searchFile(where, search).catch(zeroIfMissing);
      files += 1;
      if (count > 0) found.push({ where, count });
    }
  return { files, found };
}

function zeroIfMissing(error: unknown): number {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0;
  throw error;
}

async function searchKafka(
  { settings, kafka }: Pick<CheckDeps, 'settings' | 'kafka'>,
  source: string,
  persons: ReadonlySet<string>,
): Promise<ErasureCheck['kafka']> {
  const { topic } = sourceOf(settings, source);
  const { partitions, latestMs } = await searchTopic(kafka, topic, persons);
  const messages = partitions.reduce((sum, { offsets }) => sum + offsets.length, 0);
  return { topic, until: messages === 0 ? null : await keptUntil(kafka, topic, latestMs), messages };
}
