import { PipelineError } from '../../model/errors.ts';
import { mapConcurrent } from '../../lib/map-concurrent.ts';
import type { WebHdfs } from '../hdfs/webhdfs.ts';
import { decodeCheckpoint } from './checkpoint.ts';
import { readEntry, type LogEntry } from './history.ts';
import { listLogFiles } from './log-files.ts';
import { checkpointFile, logFolder } from './log-paths.ts';
import { SnapshotBuilder, type Snapshot } from './snapshot.ts';
import { findVersionAt } from './version-times.ts';

const MAX_CONCURRENT_READS = 8;

/** The range of a JavaScript Date. */
const MAX_TIME_MS = 8.64e15;

/** Entries that are in memory at once while a version is built. */
const ENTRIES_PER_READ = 64;

/**
 * The versions of a table, from one listing of its log. Versions that are committed later are not seen. Read-only.
 *
 * A version can be read if a checkpoint in a single file at or before it, or version 0, is followed by all entries up to
 * it. Its data files are not checked.
 */
export class TableVersions {
  /** The table's folder, absolute. */
  readonly path: string;
  readonly #hdfs: WebHdfs;
  /** Modification times of the entries, in milliseconds since 1970, by version in ascending order. */
  readonly #entries: ReadonlyMap<number, number>;
  /** The checkpoint to start from, by version that can be read; -1 for the beginning of the log. */
  readonly #bases: ReadonlyMap<number, number>;

  private constructor(
    hdfs: WebHdfs,
    path: string,
    entries: ReadonlyMap<number, number>,
    bases: ReadonlyMap<number, number>,
  ) {
    this.path = path;
    this.#hdfs = hdfs;
    this.#entries = entries;
    this.#bases = bases;
  }

  /**
   * Lists a table's log.
   * @param path The table's folder, absolute.
   * @throws {PipelineError} VERSION_UNKNOWN when the table does not exist
   * @throws {HdfsError}
   */
  static async list(hdfs: WebHdfs, path: string): Promise<TableVersions> {
    const exists = (await hdfs.status(logFolder(path))) !== undefined;
    const entries = new Map<number, number>();
    const checkpoints = new Set<number>();
    for (const { kind, isWhole, version, modifiedAtMs } of exists ? await listLogFiles(hdfs, path) : []) {
      if (kind === 'entry') entries.set(version, modifiedAtMs);
      else if (kind === 'checkpoint' && isWhole) checkpoints.add(version);
    }
    if (entries.size === 0 && checkpoints.size === 0)
      throw new PipelineError('VERSION_UNKNOWN', `the table ${path} does not exist yet: it has no log`);
    return new TableVersions(hdfs, path, entries, basesOf(entries, checkpoints));
  }

  /** The newest version that can be read; -1 if none can. */
  get newest(): number {
    return [...this.#bases.keys()].at(-1) ?? -1;
  }

  /** The versions whose entries the log still has, up to {@link newest}, in ascending order. */
  get withEntry(): number[] {
    const { newest } = this;
    return [...this.#entries.keys()].filter((version) => version <= newest);
  }

  /** Returns whether the log still has the checkpoint and the entries of a version. */
  isInLog(version: number): boolean {
    return this.#bases.has(version);
  }

  /** Reads the entries of versions, in their order. @throws {PipelineError} VERSION_GONE; TABLE_LOG_INVALID */
  async readEntries(versions: readonly number[]): Promise<LogEntry[]> {
    return mapConcurrent(MAX_CONCURRENT_READS, versions, async (version) => {
      const entry = await readEntry(this.#hdfs, this.path, version);
      if (entry === undefined) throw this.#cleanedUp(version);
      return entry;
    });
  }

  /** Returns an entry's commit time: its `commitInfo.timestamp`, else its file's, in milliseconds since 1970. */
  timeOf({ version, info: { timestamp } }: LogEntry): number {
    const isTime = typeof timestamp === 'number' && Math.abs(timestamp) <= MAX_TIME_MS;
    return isTime ? timestamp : (this.#entries.get(version) ?? 0);
  }

  /**
   * Finds the last version that was committed at or before a time.
   * @param timeMs In milliseconds since 1970.
   * @throws {PipelineError} VERSION_UNKNOWN when the table did not exist yet; VERSION_GONE when the log was cleaned up
   */
  async versionAt(timeMs: number): Promise<number> {
    const versions = this.withEntry;
    const readTimes = async (wanted: readonly number[]): Promise<number[]> =>
      (await this.readEntries(wanted)).map((entry) => this.timeOf(entry));
    const found = await findVersionAt(versions, timeMs, readTimes);
    if (found !== undefined) return found;
    const time = new Date(timeMs).toISOString();
    const [first] = versions;
    const [firstMs] = first === undefined ? [] : await readTimes([first]);
    const since = firstMs === undefined ? '' : `, which is of ${new Date(firstMs).toISOString()}`;
    if (first === 0)
      throw new PipelineError(
        'VERSION_UNKNOWN',
        `the table ${this.path} did not exist yet at ${time}: it begins with version 0${since}`,
      );
    throw new PipelineError(
      'VERSION_GONE',
      `the log of ${this.path} no longer has the version of ${time}: its entries begin at version ${first ?? 'none'}${since}`,
    );
  }

  /**
   * Reads a version.
   * @throws {PipelineError} VERSION_UNKNOWN for a version that does not exist yet; VERSION_GONE for one that the log no
   * longer has; TABLE_LOG_INVALID
   */
  async snapshotAt(version: number): Promise<Snapshot> {
    const { newest } = this;
    if (version > newest)
      throw new PipelineError(
        'VERSION_UNKNOWN',
        `${this.path} has no version ${version}: the newest is version ${newest}`,
      );
    const base = this.#bases.get(version);
    if (base === undefined) throw this.#cleanedUp(version);
    const builder = new SnapshotBuilder(this.path, base);
    if (base >= 0) await this.#loadCheckpoint(builder, base);
    for (let next = base + 1; next <= version; next += ENTRIES_PER_READ) {
      const length = Math.min(ENTRIES_PER_READ, version - next + 1);
      const entries = await this.readEntries(Array.from({ length }, (_, index) => next + index));
      for (const { actions } of entries) builder.apply(actions);
    }
    return builder.snapshot();
  }

  async #loadCheckpoint(builder: SnapshotBuilder, version: number): Promise<void> {
    const file = checkpointFile(this.path, version);
    const bytes = await this.#hdfs.readIfExists(file);
    if (bytes === undefined) throw this.#cleanedUp(version);
    for (const part of ['head', 'files'] as const) builder.load(await decodeCheckpoint(bytes, file, part));
  }

  #cleanedUp(version: number): PipelineError {
    const [oldest] = this.#bases.keys();
    return new PipelineError(
      'VERSION_GONE',
      `the log of ${this.path} no longer has version ${version}: it was cleaned up, and ` +
        (oldest === undefined ? 'no version can be read' : `the oldest version in it is ${oldest}`),
    );
  }
}

/** Returns the checkpoint to start from for each version that can be read, in ascending order. */
function basesOf(
  entries: ReadonlyMap<number, unknown>,
  checkpoints: ReadonlySet<number>,
): Map<number, number> {
  const bases = new Map<number, number>();
  for (const version of [...new Set([...entries.keys(), ...checkpoints])].sort((a, b) => a - b)) {
    const previous = version === 0 ? -1 : bases.get(version - 1);
    const base = checkpoints.has(version) ? version : entries.has(version) ? previous : undefined;
    if (base !== undefined) bases.set(version, base);
  }
  return bases;
}
