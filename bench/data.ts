import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { buffer } from 'node:stream/consumers';
import { createGunzip } from 'node:zlib';
import { z } from 'zod';
import { cacheFolder, installOnce } from '../services/install.ts';
import { generateAttempts, GENERATOR_VERSION } from '../simulator/generator.ts';

/** Attempts per copy, unless a file is given. */
const GENERATED = 3280;
const PIECE_CHARACTERS = 1 << 20;

/** An attempt; only its id is changed per copy, and its user where each copy has users of its own. */
const Attempt = z.looseObject({ keen_id: z.string(), user_exam_id: z.string() });
type Attempt = z.infer<typeof Attempt>;

/** NDJSON or one JSON array, both compact; or NDJSON where each copy has users of its own. */
export type Layout = 'lines' | 'array' | 'lines-of-users';

/** A file of attempts. */
export interface DataFile {
  readonly path: string;
  readonly attempts: number;
  readonly bytes: number;
}

/** The data of the benches: copies of the same attempts, each with other ids. */
export class Data {
  /** `generated`, or `given` where a file was. */
  readonly origin: 'generated' | 'given';
  /** Attempts per copy. */
  readonly attempts: number;
  readonly #name: string;
  readonly #originals: readonly Attempt[];

  private constructor(origin: Data['origin'], name: string, originals: readonly Attempt[]) {
    this.origin = origin;
    this.attempts = originals.length;
    this.#name = name;
    this.#originals = originals;
  }

  /** Reads the attempts of the seeded generator, or of a gzipped JSON array. */
  static async open(file?: string): Promise<Data> {
    if (file === undefined) {
      const originals = [...generateAttempts({ seed: 1, count: GENERATED })].map((attempt) =>
        Attempt.parse(attempt),
      );
      return new Data('generated', `generated-${GENERATOR_VERSION}`, originals);
    }
    const zipped = await readFile(file);
    const hash = createHash('sha256').update(zipped).digest('hex').slice(0, 8);
    const plain = await buffer(Readable.from([zipped]).pipe(createGunzip()));
    return new Data('given', `given-${hash}`, z.array(Attempt).parse(JSON.parse(plain.toString())));
  }

  /** Returns the file with the given number of copies; makes it the first time. */
  async file(copies: number, layout: Layout): Promise<DataFile> {
    const folder = await installOnce(this.#folder(copies, layout), async (content) => {
      await pipeline(Readable.from(this.#pieces(copies, layout)), createWriteStream(join(content, 'data')));
    });
    const path = join(folder, 'data');
    return { path, attempts: copies * this.attempts, bytes: (await stat(path)).size };
  }

  /** Removes the file of that number of copies, if it is large. */
  async remove(copies: number, layout: Layout): Promise<void> {
    await rm(this.#folder(copies, layout), { recursive: true, force: true });
  }

  #folder(copies: number, layout: Layout): string {
    return join(cacheFolder(), `bench-${this.#name}-x${copies}-${layout}`);
  }

  *#pieces(copies: number, layout: Layout): Generator<string, void, undefined> {
    const separator = layout === 'array' ? ',' : '\n';
    let piece = layout === 'array' ? '[' : '';
    for (let copy = 0; copy < copies; copy += 1) {
      for (const [at, attempt] of this.#originals.entries()) {
        if (copy > 0 || at > 0) piece += separator;
        const suffix = copy.toString(16);
        const user = layout === 'lines-of-users' ? { user_exam_id: `${attempt.user_exam_id}${suffix}` } : {};
        piece += JSON.stringify({ ...attempt, ...user, keen_id: `${attempt.keen_id}${suffix}` });
        if (piece.length < PIECE_CHARACTERS) continue;
        yield piece;
        piece = '';
      }
    }
    yield layout === 'array' ? `${piece}]\n` : `${piece}\n`;
  }
}

/** Reads the lines of a file, in arrays of at most `atOnce`. */
export async function* readLineBatches(
  path: string,
  atOnce: number,
): AsyncGenerator<Buffer[], void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  let lines: Buffer[] = [];
  for await (const read of createReadStream(path, { highWaterMark: PIECE_CHARACTERS })) {
    const piece = Buffer.concat([rest, read as Buffer]);
    let start = 0;
    for (let end = piece.indexOf(10); end >= 0; end = piece.indexOf(10, start)) {
      lines.push(piece.subarray(start, end));
      start = end + 1;
      if (lines.length < atOnce) continue;
      yield lines;
      lines = [];
    }
    rest = piece.subarray(start);
  }
  if (lines.length > 0) yield lines;
}
