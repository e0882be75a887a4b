import assert from 'node:assert/strict';
import { HdfsError, type WebHdfs } from '../../adapters/hdfs/webhdfs.ts';

/** A folder of one test file in the real HDFS. */
export class HdfsFolder {
  readonly #hdfs: WebHdfs;
  /** Absolute. */
  readonly path: string;
  #count = 0;

  private constructor(hdfs: WebHdfs, name: string) {
    this.#hdfs = hdfs;
    this.path = `/test/${name}-${process.pid}-${Date.now().toString(36)}`;
  }

  static async make(hdfs: WebHdfs, name: string): Promise<HdfsFolder> {
    const folder = new HdfsFolder(hdfs, name);
    await hdfs.makeFolder(folder.path);
    return folder;
  }

  /** Returns a path that no other test uses. */
  fresh(): string {
    this.#count += 1;
    return `${this.path}/${this.#count}`;
  }

  async remove(): Promise<void> {
    await this.#hdfs.delete(this.path, { recursive: true });
  }
}

/** Checks that a call is refused for good, by this exception, and leaves no doubt. */
export async function refusedBy(exception: string, call: Promise<unknown>): Promise<HdfsError> {
  const error = await call.then(
    () => assert.fail(`expected ${exception}`),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof HdfsError, String(error));
  assert.equal(error.exception, exception, error.message);
  assert.equal(error.code, 'HDFS_REFUSED');
  assert.equal(error.canRetry, false);
  assert.equal(error.ambiguous, false);
  return error;
}
