import { open, rm, type FileHandle } from 'node:fs/promises';
import { PRIVATE_FILE_MODE } from '../../lib/private-files.ts';
import { mapDiskFull } from './staging.ts';

/** What is shorter waits for others, so that they are written together. */
const SHORT_BYTES = 1 << 16;

/** A staged file as it is written. Where the disk is full, its methods fail with STAGING_FULL. */
export class BufferedFile {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #waiting = Buffer.allocUnsafeSlow(SHORT_BYTES);
  #filled = 0;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /** Begins a new file, in place of one of that name. */
  static async create(path: string): Promise<BufferedFile> {
    return new BufferedFile(path, await mapDiskFull(path, open(path, 'w', PRIVATE_FILE_MODE)));
  }

  /** Adds bytes, whose memory may be used again afterwards. */
  async append(bytes: Buffer): Promise<void> {
    if (bytes.length > SHORT_BYTES - this.#filled) await this.#flush();
    if (bytes.length > SHORT_BYTES) await this.#write(bytes);
    else this.#filled += bytes.copy(this.#waiting, this.#filled);
  }

  /** Ends the file; its bytes are with the operating system afterwards. */
  async close(): Promise<void> {
    try {
      await this.#flush();
    } finally {
      await this.#file.close();
    }
  }

  /** Ends the file and removes it, whatever of it was written. */
  async discard(): Promise<void> {
    await this.#file.close();
    await rm(this.#path, { force: true });
  }

  async #flush(): Promise<void> {
    if (this.#filled === 0) return;
    await this.#write(this.#waiting.subarray(0, this.#filled));
    this.#filled = 0;
  }

  async #write(bytes: Buffer): Promise<void> {
    await mapDiskFull(this.#path, this.#file.appendFile(bytes));
  }
}
