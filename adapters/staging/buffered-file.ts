import { open, rm, type FileHandle } from 'node:fs/promises';
import { PRIVATE_FILE_MODE } from '../../lib/private-files.ts';
import { mapDiskFull } from './staging.ts';

const BUFFER_BYTES = 1 << 16;

/** A buffered writer of a staged file. All methods throw STAGING_FULL when the disk is full. */
export class BufferedFile {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #filled = 0;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /** Creates a file, or truncates an existing one. */
  static async create(path: string): Promise<BufferedFile> {
    return new BufferedFile(path, await mapDiskFull(path, open(path, 'w', PRIVATE_FILE_MODE)));
  }

  /** Appends bytes; the caller may reuse their memory afterwards. */
  async append(bytes: Buffer): Promise<void> {
    if (bytes.length > BUFFER_BYTES - this.#filled) await this.#flush();
    if (bytes.length > BUFFER_BYTES) await this.#write(bytes);
    else this.#filled += bytes.copy(this.#buffer, this.#filled);
  }

  /** Flushes the buffer to the operating system (no fsync) and closes the file. */
  async close(): Promise<void> {
    try {
      await this.#flush();
    } finally {
      await this.#file.close();
    }
  }

  /** Closes and deletes the file. */
  async discard(): Promise<void> {
    await this.#file.close();
    await rm(this.#path, { force: true });
  }

  async #flush(): Promise<void> {
    if (this.#filled === 0) return;
    await this.#write(this.#buffer.subarray(0, this.#filled));
    this.#filled = 0;
  }

  async #write(bytes: Buffer): Promise<void> {
    await mapDiskFull(this.#path, this.#file.appendFile(bytes));
  }
}
