import type { Header } from './wire/record-batch.ts';

/** The values of each header, by its name. */
export type MessageHeaders = Readonly<Record<string, string | Buffer | (string | Buffer)[]>>;

/** One message to publish. */
export interface OutgoingMessage {
  /** Decides the partition unless one is given; a message without one goes where its place in the set puts it. */
  readonly key: string | Buffer | null;
  readonly value: Buffer | null;
  readonly headers: MessageHeaders;
  readonly partition?: number;
}

/** What Kafka's format adds at most to a batch, to a message and to each of its headers. */
const OVERHEAD_BYTES = { batch: 61, message: 36, header: 10 };

/** How many bytes a message has at most when it is sent by itself. */
export function messageBytes({ key, value, headers }: OutgoingMessage): number {
  return overheadOf(headersOf(headers)) + (key === null ? 0 : Buffer.byteLength(key)) + (value?.length ?? 0);
}

/** What a message has at most besides its key and value. */
export function overheadOf(headers: readonly Header[]): number {
  return headers.reduce(
    (sum, [name, value]) => sum + OVERHEAD_BYTES.header + Buffer.byteLength(name) + Buffer.byteLength(value),
    OVERHEAD_BYTES.batch + OVERHEAD_BYTES.message,
  );
}

/** The headers of a message as a list. */
export function headersOf(headers: MessageHeaders): Header[] {
  return Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value) => [name, value] as const),
  );
}
