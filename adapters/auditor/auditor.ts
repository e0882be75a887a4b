import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import parquet from 'parquetjs-lite';
import webhdfs, { type Redirect } from 'webhdfs';
import { PipelineError, messageOf } from '../../model/errors.ts';
import { patchRunLengthDecoding } from './runs.ts';
import { boundPages, registerDictionaries } from './codecs.ts';
import { faultOf } from '../net/connection-faults.ts';
import {
  CROSS_SITE_HEADER,
  identityOf,
  requireConfidentialRedirect,
  tlsOf,
  type HdfsOptions,
  type Identity,
} from '../hdfs/access.ts';
import { PRIVATE_FILE_MODE } from '../../lib/private-files.ts';
import type { TlsMaterial } from '../net/tls.ts';

/** What was read of a file. */
export interface ReadBack {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

const TIMEOUT_MS = 30_000;

patchRunLengthDecoding();
boundPages();
registerDictionaries();

/**
 * Reads what the pipeline wrote, through the packages webhdfs and parquetjs-lite: they share no code with
 * the way on which it was written, so that a fault of that way cannot hide itself.
 *
 * They have faults of their own. webhdfs reports a read that was cut short, or a page of an error, as the
 * file; so whoever calls compares length and SHA-256. parquetjs-lite reads some timestamps not at all, and
 * repeated values wrong; so the first are not asked for, and the second are corrected. What zstd has packed it
 * reads by a decoder that it is given; and no page is decompressed into more than its header says.
 */
export class Auditor {
  readonly #nameNodes: readonly URL[];
  readonly #identity: Identity;
  readonly #tls: TlsMaterial;
  readonly #options: HdfsOptions;

  /** @throws {PipelineError} SETTINGS_INVALID for a file or an environment variable that is not there. */
  constructor(options: HdfsOptions) {
    this.#nameNodes = options.nameNodes.map((address) => new URL(address));
    this.#identity = identityOf(options);
    this.#tls = tlsOf(options);
    this.#options = options;
  }

  /**
   * Reads a file of HDFS into a local file.
   * @param path Absolute; of letters, digits and `/=._-` alone, as webhdfs does not encode any other.
   * @throws {PipelineError} HDFS_UNREACHABLE with what the last NameNode answered.
   */
  async read(path: string, toFile: string): Promise<ReadBack> {
    let last: unknown;
    for (const nameNode of this.#nameNodes) {
      try {
        return await this.#readFrom(nameNode, path, toFile);
      } catch (error) {
        if (error instanceof PipelineError && error.code === 'SETTINGS_INVALID') throw error;
        last = error;
      }
    }
    // Hadoop's message goes on with its stack, and one of request's holds a URL, which can hold a token.
    const [message = ''] = messageOf(last).split('\n', 1);
    throw new PipelineError(
      'HDFS_UNREACHABLE',
      faultOf(last)?.reason ?? message.replaceAll(/https?:\/\/\S+/g, 'a URL'),
    );
  }

  async #readFrom(nameNode: URL, path: string, toFile: string): Promise<ReadBack> {
    const { query, headers } = this.#identity;
    const { 'user.name': user = '', ...parameters } = query;
    let refuse: (error: unknown) => void = () => undefined;
    const refused = new Promise<never>((_, reject) => {
      refuse = reject;
    });
    const client = webhdfs.createClient(
      {
        protocol: nameNode.protocol.slice(0, -1),
        host: nameNode.hostname,
        port: nameNode.port || (nameNode.protocol === 'https:' ? '443' : '80'),
        path: `${nameNode.pathname.replace(/\/$/, '')}/webhdfs/v1`,
        user,
      },
      {
        timeout: TIMEOUT_MS,
        headers: { ...CROSS_SITE_HEADER, ...headers },
        followRedirect: (redirect) => {
          try {
            this.#keepSecrets(redirect);
          } catch (error) {
            // Its own way to refuse, `false`, asks the same server again, with no handler of errors.
            stream.abort();
            refuse(error);
          }
          return true;
        },
        ...this.#tls,
      },
    );
    const hash = createHash('sha256');
    const file = createWriteStream(toFile, { mode: PRIVATE_FILE_MODE });
    const stream = client.createReadStream(path, parameters);
    let bytes = 0;
    // It can emit more errors after the one that is waited for below.
    stream.on('error', () => undefined);
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      hash.update(chunk);
      if (file.write(chunk)) return;
      stream.pause();
      file.once('drain', () => stream.resume());
    });
    try {
      await Promise.race([
        refused,
        once(stream, 'finish'),
        once(file, 'error').then(([error]) => Promise.reject(error as Error)),
      ]);
      file.end();
      await once(file, 'close');
    } catch (error) {
      stream.abort();
      file.destroy();
      throw error;
    }
    return { bytes, sha256: hash.digest('hex') };
  }

  /**
   * Where `request` is sent on to another server, it would show that one the password, and call it by the name of
   * this one.
   * @throws {PipelineError} SETTINGS_INVALID for a redirect that would show a secret.
   */
  #keepSecrets({ request, headers: { location = '' } }: Redirect): void {
    const asked = new URL(request.uri.href);
    const target = new URL(location, asked);
    requireConfidentialRedirect(this.#options, target);
    request.removeHeader('host');
    if (target.origin !== asked.origin) request.removeHeader('authorization');
  }
}

/** A row of an audited file, by column; a null may be undefined, and a whole number a text. */
export type AuditedRow = Readonly<Record<string, unknown>>;

/**
 * Reads columns of a Parquet file on this machine, row group by row group.
 * @param columns Not timestamps: parquetjs-lite cannot read those that have a dictionary.
 * @throws {PipelineError} HDFS_DAMAGED when it cannot be read, or holds more or fewer rows than its footer counts.
 */
export async function* readRows(
  file: string,
  columns: readonly string[],
): AsyncGenerator<readonly AuditedRow[]> {
  try {
    const reader = await parquet.ParquetReader.openFile(file);
    try {
      const counted = Number(reader.getRowCount());
      const cursor = reader.getCursor(columns);
      let rows = 0;
      for (let group = await cursor.nextRowGroup(); group !== null; group = await cursor.nextRowGroup()) {
        rows += group.length;
        yield group;
      }
      if (rows !== counted) {
        throw new PipelineError('HDFS_DAMAGED', `it has ${rows} rows, but its footer counts ${counted}`);
      }
    } finally {
      await reader.close();
    }
  } catch (thrown) {
    // The package throws bare texts.
    throw thrown instanceof PipelineError ? thrown : new PipelineError('HDFS_DAMAGED', messageOf(thrown));
  }
}
