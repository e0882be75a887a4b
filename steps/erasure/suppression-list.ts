import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { storeBytes } from '../../adapters/hdfs/verified-upload.ts';
import { HdfsError, type WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import { PipelineError, messageOf } from '../../model/errors.ts';
import { PERSON_HASH } from '../../model/erasure.ts';

/** A file of the suppression list: the persons of one erasure. */
const Suppression = z.strictObject({
  /** {@link PersonKey.id}. */
  keyId: z.string(),
  runId: z.string(),
  requestedBy: z.string(),
  at: z.string(),
  persons: z.array(z.string().regex(PERSON_HASH)),
});

/** The persons of one erasure, as the suppression list has them. */
export type Suppression = z.infer<typeof Suppression>;

/** The suppressed persons of one source. */
export interface SuppressedPersons {
  /** The number of its last erasure. */
  readonly number: number;
  readonly keyIds: ReadonlySet<string>;
  /** Keyed hashes. */
  readonly persons: ReadonlySet<string>;
}

/** Readers of Delta ignore folders whose names begin with "_". */
const FOLDER = '_erasures';
const FILE_NAME = /^([a-z0-9][a-z0-9_-]*)\.(\d{8})\.json$/;

/**
 * The persons whose records must not land any more: one file of keyed hashes an erasure in a folder of the warehouse. The
 * files of a source are numbered from 1 without gaps, and are never changed.
 */
export class SuppressionList {
  readonly #folder: string;
  readonly #hdfs: WebHdfs;
  /** By file name. */
  readonly #known = new Map<string, Suppression>();

  constructor({ path, options }: Pick<Warehouse, 'path' | 'options'>) {
    this.#folder = `${path}/${FOLDER}`;
    this.#hdfs = options.hdfs;
  }

  /**
   * Returns the suppressed persons of the sources that have any.
   * @throws {PipelineError} TABLE_LOG_INVALID for a damaged list
   * @throws {HdfsError}
   */
  async read(sources: Iterable<string>): Promise<Map<string, SuppressedPersons>> {
    const wanted = new Set(sources);
    const found = new Map<string, { number: number; keyIds: Set<string>; persons: Set<string> }>();
    for (const { name, source, number } of (await this.#list()).filter((file) => wanted.has(file.source))) {
      const known = found.get(source) ?? { number: 0, keyIds: new Set<string>(), persons: new Set<string>() };
      if (number !== known.number + 1) throw this.#invalid(name, `follows number ${known.number}`);
      const { keyId, persons } = await this.#readFile(name);
      known.keyIds.add(keyId);
      for (const person of persons) known.persons.add(person);
      found.set(source, { ...known, number });
    }
    return found;
  }

  /**
   * Adds the persons of an erasure as the next number of a source. Idempotent by the run's id.
   * @returns The number.
   * @throws {PipelineError} TABLE_LOG_INVALID for a damaged list
   * @throws {HdfsError}
   */
  async add(source: string, suppression: Suppression): Promise<number> {
    for (;;) {
      const files = (await this.#list()).filter((file) => file.source === source);
      for (const { name, number } of files) {
        const { runId } = await this.#readFile(name);
        if (runId === suppression.runId) return number;
      }
      const number = (files.at(-1)?.number ?? 0) + 1;
      await this.#write(`${source}.${String(number).padStart(8, '0')}.json`, suppression);
    }
  }

  /**
   * Returns since when the persons of an erasure are on the list: HDFS's time of the file, in milliseconds since 1970.
   * @throws {PipelineError} INPUT_INVALID when there is no such erasure
   * @throws {HdfsError}
   */
  async timeOf(source: string, number: number): Promise<number> {
    const files = await this.#list();
    const found = files.find((file) => file.source === source && file.number === number);
    if (found !== undefined) return found.modifiedAtMs;
    throw new PipelineError('INPUT_INVALID', `source ${source} has no erasure with the number ${number}`);
  }

  /** Creates a file unless the name is in use. */
  async #write(name: string, suppression: Suppression): Promise<void> {
    await this.#hdfs.makeFolder(this.#folder);
    const temporary = `${this.#folder}/.${name}.${randomUUID()}`;
    await storeBytes(this.#hdfs, Buffer.from(JSON.stringify(suppression)), temporary);
    try {
      await this.#hdfs.rename(temporary, `${this.#folder}/${name}`);
    } catch (error) {
      const isTaken = error instanceof HdfsError && error.exception === 'FileAlreadyExistsException';
      if (!isTaken) throw error;
      await this.#hdfs.delete(temporary);
    }
  }

  async #list() {
    if ((await this.#hdfs.status(this.#folder)) === undefined) return [];
    const files = (await this.#hdfs.list(this.#folder)).flatMap(({ name, modifiedAtMs }) => {
      const [, source, digits] = FILE_NAME.exec(name) ?? [];
      return source === undefined ? [] : [{ name, source, number: Number(digits), modifiedAtMs }];
    });
    return files.sort((a, b) => a.number - b.number);
  }

  async #readFile(name: string): Promise<Suppression> {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const bytes = await this.#hdfs.read(`${this.#folder}/${name}`);
    try {
      const read = Suppression.parse(JSON.parse(bytes.toString('utf8')));
      this.#known.set(name, read);
      return read;
    } catch (cause) {
      throw this.#invalid(name, messageOf(cause));
    }
  }

  #invalid(name: string, what: string): PipelineError {
    return new PipelineError(
      'TABLE_LOG_INVALID',
      `${this.#folder}/${name} is not a file of the suppression list: ${what}`,
    );
  }
}
