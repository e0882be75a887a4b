import { randomUUID } from 'node:crypto';
import { PipelineError, messageOf } from '../../model/errors.ts';
import type { Logger } from '../log.ts';
import { isNotFound, missingError, storeBytes } from '../hdfs/verified-upload.ts';
import { HdfsError, type WebHdfs } from '../hdfs/webhdfs.ts';
import { formatActions, type Action } from './actions.ts';
import { checkpointActions, decodeCheckpoint, encodeCheckpoint, parseLastCheckpoint } from './checkpoint.ts';
import { listLogFiles } from './log-files.ts';
import type { DeltaLog } from './log.ts';
import { scratchFolder } from './log-paths.ts';
import { DEFAULT_FILE_RETENTION_MS, fileRetentionOf } from './properties.ts';
import type { LogReadOptions } from './transaction-retention.ts';

/** The options of a {@link LogWriter}. */
export interface LogWriterOptions extends LogReadOptions {
  readonly hdfs: WebHdfs;
  readonly logger: Logger;
  /** In versions: a checkpoint is written at each version that is a multiple of this. */
  readonly checkpointInterval: number;
  /** Milliseconds for which tombstones are kept, unless the table's own property says otherwise; default 7 days. */
  readonly fileRetentionMs?: number;
}

/**
 * Writes the entries and the checkpoints of a table's log: each file under a temporary name, which is then renamed.
 * Methods throw {@link HdfsError}.
 */
export class LogWriter {
  readonly #table: string;
  readonly #log: DeltaLog;
  readonly #options: LogWriterOptions;

  /** @param table The table's folder, absolute. */
  constructor(table: string, log: DeltaLog, options: LogWriterOptions) {
    this.#table = table;
    this.#log = log;
    this.#options = options;
  }

  /**
   * Appends an entry as the given version, and a checkpoint where one is due. Only after `DeltaLog.isNewest`.
   * @returns Whether this writer created the version; if not, the log must be refreshed.
   */
  async append(version: number, actions: readonly Action[], scratch: string): Promise<boolean> {
    if (!(await this.writeEntry(version, actions, scratch))) return false;
    await this.#log.append(actions);
    await this.#checkpoint(version, scratch);
    return true;
  }

  /** Writes an entry without adding it to the known state of the log. Returns as {@link append}. */
  async writeEntry(version: number, actions: readonly Action[], scratch: string): Promise<boolean> {
    const { hdfs } = this.#options;
    const temporary = this.temporary(scratch);
    // A create would make the missing folders with their parent's permissions instead of those of the settings.
    if (version === 0) await hdfs.makeFolder(this.#log.folder);
    await storeBytes(hdfs, Buffer.from(formatActions(actions)), temporary);
    try {
      await hdfs.rename(temporary, this.#log.entry(version));
      return true;
    } catch (error) {
      if (!(error instanceof HdfsError)) throw error;
      if (isNotFound(error)) throw missingError(temporary, error);
      if (error.exception === 'FileAlreadyExistsException') {
        await hdfs.delete(temporary);
        return false;
      }
      // The answer was lost: the entry's content tells which writer's it is.
      if (error.ambiguous) return this.#isOurs(version, actions);
      throw error;
    }
  }

  /**
   * Makes `_last_checkpoint` name the newest checkpoint unless it names one after the given version.
   * @throws {PipelineError} TABLE_LOG_INVALID when there is no checkpoint after it.
   */
  async pointPast(version: number, scratch: string): Promise<void> {
    const { hdfs } = this.#options;
    const bytes = await hdfs.readIfExists(this.#log.pointer);
    const named = bytes && parseLastCheckpoint(bytes.toString('utf8'), this.#log.pointer).version;
    const files = await listLogFiles(hdfs, this.#table);
    const checkpoints = files.filter((file) => file.kind === 'checkpoint' && file.version > version);
    if (checkpoints.some((file) => file.version === named)) return;
    const newest = checkpoints.findLast(({ isWhole }) => isWhole);
    if (newest === undefined)
      throw new PipelineError(
        'TABLE_LOG_INVALID',
        `${this.#log.folder} has no checkpoint after version ${version}, so the versions up to it are needed`,
      );
    const content = await hdfs.read(newest.path);
    const actions = [
      ...(await decodeCheckpoint(content, newest.path, 'head')),
      ...(await decodeCheckpoint(content, newest.path, 'files')),
    ];
    await this.#point(newest.version, actions.length, scratch);
  }

  /** Returns a unique path in the folder of a run's temporary files. */
  temporary(scratch: string): string {
    return `${scratchFolder(this.#table, scratch)}/${randomUUID()}`;
  }

  async #isOurs(version: number, actions: readonly Action[]): Promise<boolean> {
    const entry = await this.#options.hdfs.readIfExists(this.#log.entry(version));
    return entry?.equals(Buffer.from(formatActions(actions))) ?? false;
  }

  /** A failure is only logged: the commit is valid without a checkpoint, whose content the entries have too. */
  async #checkpoint(version: number, scratch: string): Promise<void> {
    const { hdfs, checkpointInterval, logger } = this.#options;
    const { fileRetentionMs = DEFAULT_FILE_RETENTION_MS, nowMs = Date.now } = this.#options;
    if (version === 0 || version % checkpointInterval !== 0) return;
    try {
      const snapshot = await this.#log.snapshot();
      const tombstonesSinceMs = nowMs() - fileRetentionOf(snapshot.metadata, fileRetentionMs);
      const actions = checkpointActions(snapshot, tombstonesSinceMs, this.#options);
      const checkpoint = this.temporary(scratch);
      await storeBytes(hdfs, await encodeCheckpoint(actions), checkpoint);
      await hdfs.rename(checkpoint, this.#log.checkpoint(version));
      await this.#point(version, actions.length, scratch);
      await this.#log.trim(tombstonesSinceMs);
    } catch (error) {
      logger.warn({ table: this.#table, version, error: messageOf(error) }, 'writing the checkpoint failed');
    }
  }

  /** @param size The number of the checkpoint's actions. */
  async #point(version: number, size: number, scratch: string): Promise<void> {
    const { hdfs } = this.#options;
    const pointer = this.temporary(scratch);
    await storeBytes(hdfs, Buffer.from(JSON.stringify({ version, size })), pointer);
    await hdfs.replace(pointer, this.#log.pointer);
  }
}
