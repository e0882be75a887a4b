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

/** The length and hash of a file that was read. */
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
 * Reads files of the warehouse with the packages webhdfs and parquetjs-lite. They share no code with the writing side,
 * so a bug there cannot hide itself.
 *
 * Known bugs of the packages: webhdfs reports a truncated read or an error page as the file, so the caller must compare
 * length and SHA-256. parquetjs-lite cannot read some timestamps (do not request them), decodes runs wrongly (patched),
 * lacks zstd (added), and does not limit decompression (limited to the size in the page header).
 */
export class Auditor {
  readonly #nameNodes: readonly URL[];
  readonly #identity: Identity;
  readonly #tls: TlsMaterial;
  readonly #options: HdfsOptions;

  /** @throws {PipelineError} SETTINGS_INVALID for a missing file or environment variable. */
  constructor(options: HdfsOptions) {
    this.#nameNodes = options.nameNodes.map((address) => new URL(address));
    this.#identity = identityOf(options);
    this.#tls = tlsOf(options);
    this.#options = options;
  }

  /**
   * Downloads a file of HDFS to a local file.
   * @param path Absolute; only letters, digits and `/=._-`, because webhdfs does not encode paths.
   * @throws {PipelineError} HDFS_UNREACHABLE with the error of the last NameNode.
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
    // Hadoop's messages contain a stack trace, and those of `request` a URL, which can contain a token.
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
            this.#dropSecrets(redirect);
          } catch (error) {
            // Returning false would request the same server again without an error handler.
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
    // More errors can follow the one that is awaited below.
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
   * Removes the headers of the first server from a redirected request, including the password.
   * @throws {PipelineError} SETTINGS_INVALID for a redirect that would expose a secret.
   */
  #dropSecrets({ request, headers: { location = '' } }: Redirect): void {
    const asked = new URL(request.uri.href);
    const target = new URL(location, asked);
    requireConfidentialRedirect(this.#options, target);
    request.removeHeader('host');
    if (target.origin !== asked.origin) request.removeHeader('authorization');
  }
}

/** A row of an audited file, by column. Nulls may be undefined, and integers may be strings. */
export type AuditedRow = Readonly<Record<string, unknown>>;

/**
 * Reads columns of a local Parquet file, one row group at a time.
 * @param columns No timestamps: parquetjs-lite cannot read dictionary-encoded ones.
 * @throws {PipelineError} HDFS_DAMAGED when the file cannot be read, or its row count differs from its footer's.
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
    // The package throws strings.
    throw thrown instanceof PipelineError ? thrown : new PipelineError('HDFS_DAMAGED', messageOf(thrown));
  }
}
