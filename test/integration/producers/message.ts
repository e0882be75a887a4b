/** A message that a test publishes by another producer. */
export interface TestMessage {
  readonly key?: Buffer | null;
  readonly value: Buffer | null;
  /** In order; a name may come again. */
  readonly headers?: readonly (readonly [name: string, value: Buffer | null])[];
  readonly partition?: number;
  /** Milliseconds since 1970; the producer's clock unless given. */
  readonly timestampMs?: number | bigint;
}

/** The compressions that producers know. */
export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

/** One of {@link CODECS}. */
export type Codec = (typeof CODECS)[number];

/** Whether messages are published as they come, each once at most, or in a transaction of its own. */
export type Guarantee = 'plain' | 'idempotent' | 'transactional';

/** How to publish. */
export interface Publication {
  readonly topic: string;
  readonly codec: Codec;
  readonly guarantee: Guarantee;
}

/** Publishes messages and waits until the broker has them. */
export type Publish = (publication: Publication, messages: readonly TestMessage[]) => Promise<void>;
