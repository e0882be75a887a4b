import { isUtf8 } from 'node:buffer';
import { PipelineError, messageOf } from '../../model/errors.ts';
import { ByteReader } from '../../lib/byte-reader.ts';
import { HEAD_BYTES, isJsonStart, isBracketFirst, isText, refusedKind } from './content-kinds.ts';
import {
  TruncationError,
  readBrotliStart,
  canDecompress,
  decompressed,
  isGzip,
  isZlib,
  isZstd,
  type Coding,
} from './decompression.ts';

/** Content as sent, with its HTTP headers. */
export interface EncodedContent {
  readonly bytes: AsyncIterable<Buffer>;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
}

/** Options of {@link decoded}. */
export interface DecodingOptions {
  /** Names the source in errors, as `source pearson`. */
  readonly subject: string;
  /** The largest size in bytes, both as sent and after each decompression. */
  readonly maxBytes: number;
}

/** Nested compressions that are decoded. */
const MAX_CODINGS = 4;

/** Bytes that are decompressed to detect brotli, which has no magic. */
const BROTLI_TRIAL_BYTES = 1 << 16;

const CODING_OF: ReadonlyMap<string, Coding> = new Map([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['br', 'br'],
  ['zstd', 'zstd'],
]);

/** Encodings that do not change the bytes. */
const NO_CODING = ['', 'identity', 'aws-chunked'];

/**
 * Decompresses content, including nested compressions, and rejects what is not text. Detects the coding by magic bytes,
 * since file names, types and encodings are often wrong; uses Content-Encoding for codings without magic.
 * @throws {PipelineError} SOURCE_MALFORMED if it is unsupported or damaged; SOURCE_CUT if it is truncated;
 * SOURCE_TOO_LARGE
 */
export async function* decoded(content: EncodedContent, options: DecodingOptions): AsyncGenerator<Buffer> {
  yield* new Decoding(content, options).bytes();
}

class Decoding {
  readonly #options: DecodingOptions;
  readonly #contentType: string;
  /** Codings in Content-Encoding that are not decoded yet; the outermost is last. */
  readonly #declared: string[];
  readonly #sent: AsyncIterable<Buffer>;
  /** Codings decoded so far, outermost first. */
  readonly #codings: Coding[] = [];

  constructor(content: EncodedContent, options: DecodingOptions) {
    this.#options = options;
    this.#sent = content.bytes;
    this.#contentType = content.contentType?.trim().toLowerCase() ?? '';
    const declared = (content.contentEncoding ?? '').split(',').map((name) => name.trim().toLowerCase());
    this.#declared = declared.filter((name) => !NO_CODING.includes(name));
  }

  async *bytes(): AsyncGenerator<Buffer> {
    if (this.#contentType.startsWith('multipart/'))
      throw this.#malformed('is a message of several parts (Content-Type multipart)');
    yield* this.#decode(this.#sent);
  }

  async *#decode(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const input = new ByteReader(this.#bounded(source));
    try {
      const coding = await this.#detectCoding(input);
      if (coding === undefined) {
        for (let part = await input.next(); part !== undefined; part = await input.next()) yield part;
        return;
      }
      this.#begin(coding);
      yield* this.#decode(this.#decompressed(coding, input));
    } finally {
      await input.close();
    }
  }

  #begin(coding: Coding): void {
    if (this.#codings.length === MAX_CODINGS)
      throw this.#malformed(`is compressed more than ${MAX_CODINGS} times`);
    if (!canDecompress(coding))
      throw this.#malformed(
        `is ${coding}, which is decompressed from Node 24 on, and this is ${process.versions.node}`,
      );
    if (CODING_OF.get(this.#declared.at(-1) ?? '') === coding) this.#declared.pop();
    this.#codings.push(coding);
  }

  /** Detects the compression; undefined for text. */
  async #detectCoding(input: ByteReader): Promise<Coding | undefined> {
    const declared = this.#declared.at(-1);
    const head = await input.peekUntil(
      (bytes) => bytes.length >= HEAD_BYTES || (declared === undefined && isJsonStart(bytes)),
    );
    if (isGzip(head)) return 'gzip';
    if (isZstd(head)) return 'zstd';
    const begins = head.subarray(0, HEAD_BYTES);
    // If these are not all bytes, they may end within a character.
    const isPlain = isText(begins) && (head.length >= HEAD_BYTES || isUtf8(head));
    if (declared !== undefined && !isPlain) {
      const coding = this.#codingNamed(declared);
      // gzip and zstd would have been detected by their magic.
      if (coding !== 'gzip' && coding !== 'zstd') return coding;
    }
    return isJsonStart(begins) ? undefined : this.#undeclaredCoding(begins, input);
  }

  #codingNamed(name: string): Coding {
    const coding = CODING_OF.get(name);
    if (coding !== undefined) return coding;
    throw this.#malformed(`has a Content-Encoding that is not known, ${JSON.stringify(name.slice(0, 40))}`);
  }

  async #undeclaredCoding(begins: Buffer, input: ByteReader): Promise<Coding | undefined> {
    const refused = refusedKind(begins);
    if (refused !== undefined) throw this.#malformed(`is ${refused}`);
    if (isZlib(begins)) return 'deflate';
    if (isText(begins)) return undefined;
    const trial = (await input.peek(BROTLI_TRIAL_BYTES)).subarray(0, BROTLI_TRIAL_BYTES);
    const beginning = await readBrotliStart(ByteReader.of(trial));
    if (beginning !== undefined && isText(beginning.subarray(0, HEAD_BYTES))) return 'br';
    if (isBracketFirst(begins)) return undefined;
    throw this.#malformed('is binary data of a kind that is not known, not JSON');
  }

  async *#decompressed(coding: Coding, input: ByteReader): AsyncGenerator<Buffer> {
    try {
      yield* decompressed(coding, input);
    } catch (error) {
      if (error instanceof PipelineError) throw error;
      const name = coding === 'br' ? 'brotli' : coding;
      const what = `is damaged ${name}: ${messageOf(error)}`;
      const within = this.#codings.slice(0, -1);
      if (error instanceof TruncationError)
        throw this.#error('SOURCE_CUT', `${what}; it may have been cut`, within, error);
      throw this.#error('SOURCE_MALFORMED', what, within, error);
    }
  }

  async *#bounded(parts: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const { subject, maxBytes } = this.#options;
    let bytes = 0;
    for await (const part of parts) {
      bytes += part.length;
      if (bytes > maxBytes)
        throw new PipelineError(
          'SOURCE_TOO_LARGE',
          `the content of ${subject} has more than ${maxBytes} bytes`,
        );
      yield part;
    }
  }

  #malformed(what: string): PipelineError {
    return this.#error('SOURCE_MALFORMED', what, this.#codings);
  }

  /** @param within The codings around the content that the error is about. */
  #error(
    code: 'SOURCE_MALFORMED' | 'SOURCE_CUT',
    what: string,
    within: readonly Coding[],
    cause?: unknown,
  ): PipelineError {
    const where = within.length === 0 ? '' : `, decompressed from ${within.join(', ')},`;
    return new PipelineError(code, `the content of ${this.#options.subject}${where} ${what}`, { cause });
  }
}
