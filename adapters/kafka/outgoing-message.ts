import type { Header } from './wire/record-batch.ts';

/** Header values by name. */
export type MessageHeaders = Readonly<Record<string, string | Buffer | (string | Buffer)[]>>;

/** One message to publish. */
export interface OutgoingMessage {
  /** Selects the partition unless `partition` is set; messages without a key are spread round-robin. */
  readonly key: string | Buffer | null;
  readonly value: Buffer | null;
  readonly headers: MessageHeaders;
  readonly partition?: number;
}

/** Maximum overhead of a batch, a message and a header in message format 2. */
const OVERHEAD_BYTES = { batch: 61, message: 36, header: 10 };

/** Returns the maximum size in bytes of a batch with only this message. */
export function messageBytes({ key, value, headers }: OutgoingMessage): number {
  return (
    maxOverheadBytes(toHeaderList(headers)) +
    (key === null ? 0 : Buffer.byteLength(key)) +
    (value?.length ?? 0)
  );
}

/** Returns the maximum size in bytes of a message besides its key and value. */
export function maxOverheadBytes(headers: readonly Header[]): number {
  return headers.reduce(
    (sum, [name, value]) => sum + OVERHEAD_BYTES.header + Buffer.byteLength(name) + Buffer.byteLength(value),
    OVERHEAD_BYTES.batch + OVERHEAD_BYTES.message,
  );
}

/** Flattens headers into a list of name and value. */
export function toHeaderList(headers: MessageHeaders): Header[] {
  return Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value) => [name, value] as const),
  );
}
