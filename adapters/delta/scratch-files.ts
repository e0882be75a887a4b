import { storeBytes } from '../hdfs/verified-upload.ts';
import { scratchFolder } from './log-paths.ts';
import type { DeltaTable } from './table.ts';
import { randomUUID } from 'node:crypto';

/** The temporary files of one run in the folder of a table, which other workers read. */
export class ScratchFiles {
  readonly #table: Pick<DeltaTable, 'path' | 'hdfs'>;
  readonly #folder: string;

  /** @param scratch The folder's name under `_scratch`; `DeltaTable.deleteScratch` removes it. */
  constructor(table: Pick<DeltaTable, 'path' | 'hdfs'>, scratch: string) {
    this.#table = table;
    this.#folder = scratchFolder(table.path, scratch);
  }

  /** Writes a file, so that it is never seen in part. An existing one is replaced. */
  async write(name: string, bytes: Buffer): Promise<void> {
    const { hdfs } = this.#table;
    const temporary = `${this.#folder}/${randomUUID()}`;
    await storeBytes(hdfs, bytes, temporary);
    await hdfs.replace(temporary, this.#pathOf(name));
  }

  /** Reads a file; undefined if there is none. */
  async read(name: string): Promise<Buffer | undefined> {
    return this.#table.hdfs.readIfExists(this.#pathOf(name));
  }

  /** Deletes a file. Idempotent. */
  async delete(name: string): Promise<void> {
    await this.#table.hdfs.delete(this.#pathOf(name));
  }

  #pathOf(name: string): string {
    return `${this.#folder}/${name}`;
  }
}
