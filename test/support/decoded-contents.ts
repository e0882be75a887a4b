import assert from 'node:assert/strict';
import { decoded } from '../../steps/source/decoding.ts';
import { codeOf } from './harness.ts';

/** Headers and chunking of a content that a test sends. */
export interface SentContent {
  readonly contentEncoding?: string;
  readonly contentType?: string;
  readonly pieceBytes?: number;
  readonly maxBytes?: number;
}

/** Two records, one of them with a two-byte character. */
export const LINES = '{"a":1}\n{"a":"é"}\n';

async function* pieces(content: Buffer, bytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += bytes)
    yield await Promise.resolve(content.subarray(at, at + bytes));
}

/** Decodes a content. */
export async function decode(content: Buffer, sent: SentContent = {}): Promise<Buffer> {
  const { contentEncoding, contentType, pieceBytes = 1 << 16, maxBytes = 1 << 24 } = sent;
  const found: Buffer[] = [];
  const encoded = { bytes: pieces(content, pieceBytes), contentEncoding, contentType };
  for await (const piece of decoded(encoded, { subject: 'source test', maxBytes })) found.push(piece);
  return Buffer.concat(found);
}

/** Decodes a content in pieces of several sizes, and compares the results. */
export async function decodesTo(
  content: Buffer,
  text: Buffer | string,
  sent: SentContent = {},
): Promise<void> {
  for (const pieceBytes of [1, 3, 511, 1 << 16]) {
    if (content.length / pieceBytes > 200_000) continue;
    assert.deepEqual(await decode(content, { ...sent, pieceBytes }), Buffer.from(text));
  }
}

/** Returns the error by which a content is refused, the same for all sizes of pieces. */
export async function refusal(content: Buffer, sent: SentContent = {}): Promise<string> {
  const found = new Set<string>();
  for (const pieceBytes of [1, 7, 1 << 16]) found.add(await codeOf(decode(content, { ...sent, pieceBytes })));
  assert.equal(found.size, 1, [...found].join('\n'));
  const [message = ''] = found;
  return message;
}
